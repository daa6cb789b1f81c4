"""Identifiers: UUID version 7 (RFC 9562), so that ids sort by the time they were made."""

import hashlib
import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, 74 random bits (RFC 9562, 5.7)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value &= ~(0xF << 76 | 0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def child_id(parent: UUID, position: int) -> UUID:
    """Return the id of what lies at *position* inside *parent*: the same every time.

    A UUIDv7 of the parent's own time, whose other bits are a hash: lists show it beside its parent,
    and doing the same again makes no second document.
    """
    digest = hashlib.sha256(parent.bytes + position.to_bytes(8, "big")).digest()
    value = parent.int >> 80 << 80 | int.from_bytes(digest[:10], "big")
    value &= ~(0xF << 76 | 0x3 << 62)
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)
