"""Cursors: opaque to clients, a position in a list to us."""

import base64
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json

from ingest.errors import CursorInvalidError

_MAX_NUMBER: Final = 2**53


def write(*position: str | int) -> str:
    """Return the cursor of *position*."""
    return base64.urlsafe_b64encode(to_json(position)).decode().rstrip("=")


def read_id(cursor: str) -> UUID:
    """Return the id that a list went on from. Raises CursorInvalidError."""
    match _position(cursor):
        case [str(text)]:
            try:
                return UUID(text)
            except ValueError as error:
                raise _invalid() from error
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
