"""Text as the rest of the system can keep it: valid UTF-8, no control characters, LF line ends."""

import re
from typing import Any, Final

_ODD_LINE_END: Final = re.compile(r"[\v\u0085\u2028\u2029]")
# pdfium writes U+FFFE for a hyphen at a line's end; NUL is refused by PostgreSQL.
_DROPPED: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_RARE: Final = re.compile(
    r"[\x00-\x08\v\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_MAX_METADATA_CHARACTERS: Final = 1_000
_MAX_METADATA_ITEMS: Final = 100


def clean(text: str) -> str:
    """Return *text* without what can not be stored or shown."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # One scan settles nearly every page; each substitution would cost one of its own.
    if _RARE.search(text) is None:
        return text
    text = _ODD_LINE_END.sub("\n", text)
    return _LONE_SURROGATE.sub("\ufffd", _DROPPED.sub("", text))


def clean_metadata(values: dict[str, Any]) -> dict[str, Any]:
    """Return *values* bounded in length and number, and fit for JSON: documents lie here too."""
    kept = list(values.items())[:_MAX_METADATA_ITEMS]
    return {clean(str(key))[:100]: _bounded(value) for key, value in kept if value is not None}


def _bounded(value: Any) -> Any:
    match value:
        case bool() | int() | None:
            return value
        case float():
            return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN differs from itself
        case dict():
            return clean_metadata(value)
        case list() | tuple():
            return [_bounded(item) for item in value[:_MAX_METADATA_ITEMS]]
        case bytes():
            return f"{len(value)} bytes"
        case _:
            return clean(str(value))[:_MAX_METADATA_CHARACTERS]
