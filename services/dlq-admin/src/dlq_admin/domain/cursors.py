"""Cursors of lists: where the next page begins, opaque to clients."""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

from pydantic_core import from_json


class InvalidCursorError(ValueError):
    """The cursor was not made by `encode`, or for another list."""


def encode(at: datetime, *rest: str) -> str:
    """Return the cursor after an item with sort key (*at*, *rest*)."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), *rest]).encode()).decode()


def decode(cursor: str, *, parts: int) -> tuple[datetime, list[str]]:
    """Read a cursor with *parts* texts after its time. Raises InvalidCursorError."""
    try:
        at, *rest = from_json(base64.urlsafe_b64decode(cursor.encode()))
        when = datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidCursorError("the cursor is not one of this list's") from error
    if len(rest) != parts or not all(isinstance(part, str) and "\0" not in part for part in rest):
        raise InvalidCursorError("the cursor is not one of this list's")
    return when, rest


def decode_with_id(cursor: str) -> tuple[datetime, UUID]:
    """Read a cursor of a list that is sorted by time and id. Raises InvalidCursorError."""
    at, (text,) = decode(cursor, parts=1)
    try:
        return at, UUID(text)
    except ValueError as error:
        raise InvalidCursorError("the cursor is not one of this list's") from error
