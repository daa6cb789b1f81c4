"""Stretches of a file on their way: read anew by every attempt, several at a time, counted."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docyard.errors import DocyardError
from docyard.uploads import OnBytes

_PIECE: Final = 256 * 1024
_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class FilePart:
    """A stretch of a file. Read anew by every attempt: nothing of it is kept."""

    path: Path
    offset: int
    size: int  # or less at the end of the file

    def digest(self, algorithm: str) -> tuple[str, int]:
        """Return the hash of the stretch, in base64, and its length. It blocks."""
        digest, length = hashlib.new(algorithm, usedforsecurity=False), 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while piece := file.read(min(_MIB, self.size - length)):
                digest.update(piece)
                length += len(piece)
        return base64.b64encode(digest.digest()).decode(), length

    def body(self, counter: "ByteCounter") -> Callable[[], Mapping[str, Any]]:
        """Return what makes the body of one attempt; its bytes are counted as they go."""

        def body() -> Mapping[str, Any]:
            counter.sent(self.offset, 0)
            return {"content": self._pieces(counter)}

        return body

    async def _pieces(self, counter: "ByteCounter") -> AsyncIterator[bytes]:
        sent = 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while piece := await asyncio.to_thread(file.read, min(_PIECE, self.size - sent)):
                yield piece
                sent += len(piece)
                counter.sent(self.offset, sent)


class ByteCounter:
    """Adds up what the parts have sent; a part that begins anew takes its bytes back."""

    def __init__(self, on_bytes: OnBytes | None, received_bytes: int) -> None:
        self._on_bytes = on_bytes or (lambda _sent: None)
        self._received = received_bytes
        self._parts: dict[int, int] = {}
        self._on_bytes(received_bytes)

    def sent(self, offset: int, size_bytes: int) -> None:
        """Say how much has gone of the part that begins at *offset*."""
        self._parts[offset] = size_bytes
        self._on_bytes(self._received + sum(self._parts.values()))


async def send_each(
    numbers: Iterable[int], send: Callable[[int], Awaitable[None]], *, at_once: int
) -> None:
    """Send every part, *at_once* at a time; what one of them dies of ends all, and is raised."""
    waiting = iter(tuple(numbers))

    async def work() -> None:
        for number in waiting:
            await send(number)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(work())
    except* (DocyardError, OSError) as group:
        # One cause is what a caller can act on; the other parts died of the same.
        raise group.exceptions[0] from None


def sha256_of(path: Path) -> str:
    """Return the hash of a file in hex. It blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
