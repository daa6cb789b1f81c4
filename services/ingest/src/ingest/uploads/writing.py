"""What one append holds in memory: the part that fills, those on their way, what is not noted."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from docyard_common.media_types import HEAD_BYTES
from ingest.upload import Part, Upload


@dataclass(frozen=True)
class Stored:
    """A part that lies in the store, and its bytes where somebody still wants them."""

    part: Part
    data: bytes | None


@dataclass
class Writing:
    """One request's work on an upload, from its offset on."""

    upload: Upload
    holder: UUID
    offset: int  # of the next byte that comes
    largest_file: int  # that the owner may send
    next_part: int
    filling: list[bytes] = field(default_factory=list)  # begins where the last part ended
    filling_bytes: int = 0
    flying: deque[asyncio.Task[Stored]] = field(default_factory=deque)  # in their order
    unnoted: list[Stored] = field(default_factory=list)
    tail_key: str | None = None  # of the tail that the row names

    @property
    def is_full(self) -> bool:
        return self.filling_bytes >= self.upload.part_bytes

    @property
    def is_at_end(self) -> bool:
        return self.offset == self.upload.announced.size_bytes

    @property
    def head(self) -> bytes | None:
        """The first bytes of the file as soon as they tell its type, while they are in memory."""
        if self.next_part > 1 or not (self.filling_bytes >= HEAD_BYTES or self.is_at_end):
            return None
        return b"".join(self.filling)[:HEAD_BYTES]

    def take(self, chunk: bytes) -> None:
        self.go_on_from(chunk)
        self.offset += len(chunk)

    def go_on_from(self, tail: bytes) -> None:
        """Put bytes that were counted before at the beginning of the part that fills."""
        self.filling.append(tail)
        self.filling_bytes += len(tail)

    def cut(self) -> tuple[int, Sequence[bytes]]:
        """Return number and bytes of the part that is full, and begin the next."""
        over = self.filling_bytes - self.upload.part_bytes
        chunks, last = self.filling, self.filling[-1]
        # Only the chunk that came last can have filled it.
        chunks[-1] = last[: len(last) - over]
        self.filling, self.filling_bytes = ([last[len(last) - over :]] if over else []), over
        number, self.next_part = self.next_part, self.next_part + 1
        return number, chunks
