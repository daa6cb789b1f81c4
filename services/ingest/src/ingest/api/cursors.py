"""Cursors: opaque to clients, a position in a list to us."""

import base64
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json

from ingest.errors import CursorInvalidError

_MAX_NUMBER: Final = 2**53
_MAX_INTEGER: Final = 2**31 - 1


def write(*position: str | int) -> str:
    """Return the cursor of *position*."""
    return base64.urlsafe_b64encode(to_json(position)).decode().rstrip("=")


def read_id(cursor: str) -> UUID:
    """Return the id that a list went on from. Raises CursorInvalidError."""
    match _position(cursor):
        case [str(text)]:
            return _id(text)
        case _:
            raise _invalid()


def read_text(cursor: str) -> str:
    """Return the text that a list went on from. Raises CursorInvalidError."""
    match _position(cursor):
        case [str(text)] if "\x00" not in text and _is_utf8(text):
            return text
        case _:
            raise _invalid()


def read_number(cursor: str) -> int:
    """Return the number that a list goes on with. Raises CursorInvalidError."""
    match _position(cursor):
        case [int(number)] if 0 <= number <= _MAX_NUMBER:
            return number
        case _:
            raise _invalid()


def read_pair(cursor: str) -> tuple[int, str]:
    """Return the number and text that a list went on from. Raises CursorInvalidError."""
    match _position(cursor):
        case [int(number), str(text)] if 0 <= number <= _MAX_NUMBER and "\x00" not in text:
            return number, text
        case _:
            raise _invalid()


def read_counted_id(cursor: str) -> tuple[int, UUID]:
    """Return the number and id that a list went on from. Raises CursorInvalidError."""
    number, text = read_pair(cursor)
    return min(number, _MAX_INTEGER), _id(text)


def read_ranked(cursor: str) -> tuple[int, int, UUID]:
    """Return the two numbers and the id that a list went on from. Raises CursorInvalidError."""
    match _position(cursor):
        case [int(first), int(second), str(text)] if (
            0 <= first <= _MAX_NUMBER and 0 <= second <= _MAX_NUMBER
        ):
            return first, second, _id(text)
        case _:
            raise _invalid()


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise _invalid() from error


def _is_utf8(text: str) -> bool:
    """Whether the database takes it: JSON can hold half a surrogate pair."""
    return text.encode("utf-8", "replace").decode() == text


def _position(cursor: str) -> Any:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return from_json(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError as error:
        raise _invalid() from error


def _invalid() -> CursorInvalidError:
    return CursorInvalidError("The cursor was not made by this list.", field="cursor")
