"""A document that is made to hurt, and the ends that are right for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
BOMB_MIB: Final = 256

COMPLETED: Final = "completed"
TOO_MUCH: Final = "failed:decompression_limit"
TOO_LARGE: Final = "failed:too_large"
UNREADABLE: Final = "failed:unreadable_document"
MEMORY: Final = "failed:memory_limit"
CRASHED: Final = "failed:child_crashed"
"""What a library does that asks for memory in vain: the limit of a child held."""


@dataclass(frozen=True)
class Hostile:
    """A file, whose extension is its type, and the ends that are right for it."""

    name: str
    make: Callable[[], bytes]
    ends: tuple[str, ...]
