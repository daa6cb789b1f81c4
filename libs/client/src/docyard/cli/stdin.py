"""Standard input as a document, which Ctrl-C can end.

The event loop turns Ctrl-C into a cancellation; a read that waits for its producer never sees one.
"""

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class StandardInput(io.BufferedIOBase):
    """The bytes of standard input. Ctrl-C ends a read with InterruptedError, and what runs, too."""

    def __init__(self) -> None:
        self._file = sys.stdin.buffer

    def read(self, size: int | None = -1, /) -> bytes:
        with _interruptible():
            return self._file.read(-1 if size is None else size)

    def beginning(self, size: int) -> bytes:
        """Return what comes first, and leave it to be read; empty where that can not be."""
        peek = getattr(self._file, "peek", None)
        with _interruptible():
            return bytes(peek(size)[:size]) if peek else b""

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _interruptible() -> Iterator[None]:
    # The loop is told of the signal besides, and cancels the command as soon as it runs.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedError("interrupted") from None
    finally:
        signal.signal(signal.SIGINT, handler)
