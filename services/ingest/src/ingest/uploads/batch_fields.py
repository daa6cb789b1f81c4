"""The text fields of a batch: what holds for every file, and what for single ones."""

from typing import Any, Final

from pydantic_core import from_json, to_json

from ingest.errors import FieldInvalidError
from ingest.settings import LimitSettings
from ingest.uploads.fields import METADATA, OPTIONS, PRIORITY, UploadFields, field_limits
from ingest.uploads.form import TextField

PER_FILE: Final = "per_file"
_KNOWN: Final = frozenset({PRIORITY, OPTIONS, METADATA})


def batch_field_limits(limits: LimitSettings) -> dict[str, int]:
    """Return the known fields with how many bytes each may hold."""
    known = field_limits(max_json_bytes=limits.max_metadata_bytes)
    return {**known, PER_FILE: limits.max_files_per_upload * sum(known.values())}


class BatchFields:
    """The fields that came so far."""

    def __init__(self) -> None:
        self._shared: dict[str, str] = {}
        self._single: list[dict[str, str]] = []

    def take(self, name: str, value: str) -> None:
        """Read one field. Raises FieldInvalidError."""
        if name == PER_FILE:
            self._single = _per_file(value)
            return
        UploadFields().take(name, value)  # wrong for every file is wrong for the batch
        self._shared[name] = value

    def of(self, index: int) -> list[TextField]:
        """Return the fields of the file at *index*: its own win over those of all."""
        own = self._single[index] if index < len(self._single) else {}
        return [TextField(name, value) for name, value in {**self._shared, **own}.items()]


def _per_file(value: str) -> list[dict[str, str]]:
    try:
        parsed = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise _invalid(f"is not JSON: {error}") from error
    if not isinstance(parsed, list) or not all(isinstance(entry, dict) for entry in parsed):
        raise _invalid("must be a JSON array with an object for each file, in their order")
    return [_texts(entry) for entry in parsed]


def _texts(entry: dict[str, Any]) -> dict[str, str]:
    """Return the values as the fields of a form say them."""
    if unknown := entry.keys() - _KNOWN:
        raise _invalid(f"knows no {min(unknown)[:80]!r}, only {', '.join(sorted(_KNOWN))}")
    return {
        name: value if isinstance(value, str) else to_json(value).decode()
        for name, value in entry.items()
    }


def _invalid(what: str) -> FieldInvalidError:
    return FieldInvalidError(f"The field {PER_FILE!r} {what}.", field=PER_FILE)
