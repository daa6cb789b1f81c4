"""What the text fields of an upload may say."""

import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic_core import from_json, to_json

from docyard_common.events.stages import Priority
from docyard_common.processing_options import refusal
from ingest.errors import FieldInvalidError

PRIORITY: Final = "priority"
OPTIONS: Final = "processing_options"
METADATA: Final = "metadata"

_MAX_PRIORITY_BYTES: Final = 32
_MAX_DEPTH: Final = 32
_MAX_FILENAME: Final = 255


@dataclass
class UploadFields:
    """The fields that came so far; what did not come has its default."""

    priority: Priority = Priority.NORMAL
    options: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def take(self, name: str, value: str) -> None:
        """Read one field. Raises FieldInvalidError with a sentence that says what is wrong."""
        if name == PRIORITY:
            self.priority = _priority(value)
        elif name == OPTIONS:
            self.options = require_known(_json_object(name, value))
        elif name == METADATA:
            self.metadata = _json_object(name, value)


def field_limits(*, max_json_bytes: int) -> dict[str, int]:
    """Return the known fields with how many bytes each may hold."""
    return {PRIORITY: _MAX_PRIORITY_BYTES, OPTIONS: max_json_bytes, METADATA: max_json_bytes}


def clean_filename(raw: str) -> str:
    """Return the last part of *raw*, without control characters, as NFC, at most 255 characters.

    The extension survives the cut. Raises FieldInvalidError when nothing is left.
    """
    name = raw.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in unicodedata.normalize("NFC", name) if c.isprintable()).strip()
    if name.strip(".") == "":
        raise FieldInvalidError("The field 'file' carries no usable filename.", field="file")
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= _MAX_FILENAME or len(suffix) >= _MAX_FILENAME:
        return name[:_MAX_FILENAME]
    return stem[: _MAX_FILENAME - len(dot + suffix)] + dot + suffix


def require_storable(name: str, value: dict[str, Any], *, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object *value*. Raises FieldInvalidError when it can not be kept."""
    if not _storable(value, _MAX_DEPTH):
        raise FieldInvalidError(
            f"The field {name!r} holds a character that is none, an endless number or too deep a"
            " nesting.",
            field=name,
        )
    if len(to_json(value)) > max_bytes:
        raise FieldInvalidError(f"The field {name!r} is longer than {max_bytes} bytes.", field=name)
    return value


def require_known(options: dict[str, Any]) -> dict[str, Any]:
    """Return processing options that make sense. Raises FieldInvalidError for what is none."""
    if why := refusal(options):
        raise FieldInvalidError(why, field=OPTIONS)
    return options


def _priority(value: str) -> Priority:
    try:
        return Priority(value.strip().lower())
    except ValueError as error:
        known = ", ".join(Priority)
        raise FieldInvalidError(f"priority must be one of {known}.", field=PRIORITY) from error


def _json_object(name: str, value: str) -> dict[str, Any]:
    if not value.strip():
        return {}
    try:
        parsed = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise FieldInvalidError(f"The field {name!r} is not JSON: {error}.", field=name) from error
    if not isinstance(parsed, dict):
        raise FieldInvalidError(f"The field {name!r} must be a JSON object.", field=name)
    if not _storable(parsed, _MAX_DEPTH):
        raise FieldInvalidError(
            f"The field {name!r} holds a zero character, an endless number or too deep a nesting.",
            field=name,
        )
    return parsed


def _storable(value: Any, depth: int) -> bool:
    """Whether PostgreSQL's jsonb takes the value: it refuses the character zero and surrogates."""
    if depth == 0:
        return False
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(_storable(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return all(_storable(k, depth) and _storable(v, depth - 1) for k, v in value.items())
    return True
