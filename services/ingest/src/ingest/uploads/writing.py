"""What one append holds in memory: the bytes of the part that fills, and what is not noted yet."""

from dataclasses import dataclass, field
from uuid import UUID

from docyard_common.media_types import HEAD_BYTES
from ingest.upload import Part, Upload


@dataclass
class Writing:
    """One request's work on an upload, from its offset on."""

    upload: Upload
    holder: UUID
    offset: int  # of the next byte that comes
    largest_file: int  # that the owner may send
    next_part: int
    filling: bytearray = field(default_factory=bytearray)  # begins where the last part ended
    unnoted: list[Part] = field(default_factory=list)
    tail_key: str | None = None  # of the tail that the row names

    @property
    def is_full(self) -> bool:
        return len(self.filling) >= self.upload.part_bytes

    @property
    def is_at_end(self) -> bool:
        return self.offset == self.upload.announced.size_bytes

    @property
    def head(self) -> bytes | None:
        """The first bytes of the file as soon as they tell its type, while they are in memory."""
        if self.next_part > 1 or not (len(self.filling) >= HEAD_BYTES or self.is_at_end):
            return None
        return bytes(self.filling[:HEAD_BYTES])

    def take(self, chunk: bytes) -> None:
        self.filling += chunk
        self.offset += len(chunk)

    def cut(self) -> tuple[int, bytes]:
        """Return number and bytes of the part that is full, and begin the next."""
        size = self.upload.part_bytes
        data = bytes(memoryview(self.filling)[:size])
        del self.filling[:size]
        number, self.next_part = self.next_part, self.next_part + 1
        return number, data
