"""Folders and files on this machine, opened so that no link can lead out of them.

A path is opened part by part, each relative to the open folder before it and without following
links: whatever is exchanged in between, what is read lies in the folder that was asked for.
All of this blocks: it belongs on the threads of `FolderThreads`.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from docyard_common.errors import DocyardError
from ingest.folder_job import FileFailure, JobFailure, Signature

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK opening a FIFO would wait for somebody who writes into it.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE: Final = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR})


class FolderLostError(DocyardError):
    """The folder of a job can not be opened: nothing is said about its files."""

    def __init__(self, failure: JobFailure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class FileRefusedError(DocyardError):
    """A file can not be read as it is."""

    def __init__(self, failure: FileFailure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Roots:
    """The folders below which everything may be read; links in their own paths are resolved."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._prefixes = tuple(str(folder.resolve()).rstrip("/") + "/" for folder in folders)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Each root with one slash at its end."""
        return self._prefixes

    def canonical(self, folder: str) -> str | None:
        """Return *folder* without links and dots, or None where it is not below a root.

        What does not exist is judged like what does: an answer tells nothing about other places.
        """
        if not folder.startswith("/") or "\x00" in folder:
            return None
        try:
            resolved = os.path.realpath(folder)
        except OSError:
            return None
        return resolved if (resolved + "/").startswith(self._prefixes) else None


class OpenFolder:
    """A folder that stays open while a job works on it. Safe to share between threads."""

    def __init__(self, path: str) -> None:
        """Open *path*, which must be canonical. Raises FolderLostError."""
        self.path = path
        try:
            self._base = _open_parts(os.open("/", _FOLDER), Path(path).parts[1:])
        except OSError as error:
            raise FolderLostError(_lost(error)) from error

    def close(self) -> None:
        os.close(self._base)

    def check(self) -> None:
        """Return while the path still names this folder. Raises FolderLostError."""
        try:
            same = os.path.samestat(os.lstat(self.path), os.fstat(self._base))
        except OSError as error:
            # Who may not look at the path may still read the open folder.
            same = isinstance(error, PermissionError)
        if not same:
            raise FolderLostError(JobFailure.FOLDER_MISSING)

    @contextlib.contextmanager
    def folder(self, parts: Sequence[str]) -> Iterator[int]:
        """Yield a descriptor of the folder below. Raises OSError."""
        descriptor = _open_parts(os.dup(self._base), parts)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_file(self, parts: Sequence[str]) -> "OpenFile":
        """Open a regular file for reading. Raises FileRefusedError, or FolderLostError."""
        try:
            with self.folder(parts[:-1]) as folder:
                return OpenFile(os.open(parts[-1], _FILE, dir_fd=folder))
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                self.check()
            raise FileRefusedError(_refusal(error)) from error

    def is_there(self, parts: Sequence[str]) -> bool:
        """Whether anything has that name; what can not be looked up counts as there."""
        try:
            with self.folder(parts[:-1]) as folder:
                os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True


class OpenFile:
    """A regular file that is open for reading; reads take an offset and need no order."""

    def __init__(self, descriptor: int) -> None:
        """Take over *descriptor*. Raises FileRefusedError for what is no regular file."""
        self._descriptor = descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.close()
            raise FileRefusedError(FileFailure.NOT_A_FILE)

    def close(self) -> None:
        os.close(self._descriptor)

    def signature(self) -> Signature:
        return signature_of(os.fstat(self._descriptor))

    def read(self, offset: int, length: int) -> bytes:
        """Return *length* bytes from *offset*, fewer at the end. Raises FileRefusedError."""
        pieces = []
        try:
            while length > 0 and (piece := os.pread(self._descriptor, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
        except OSError as error:
            raise FileRefusedError(FileFailure.FILE_UNREADABLE) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def signature_of(found: os.stat_result) -> Signature:
    return Signature(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _open_parts(descriptor: int, parts: Sequence[str]) -> int:
    """Go down from *descriptor*, which is closed whatever happens."""
    for part in parts:
        try:
            below = os.open(part, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _lost(error: OSError) -> JobFailure:
    if isinstance(error, PermissionError):
        return JobFailure.FOLDER_UNREADABLE
    return JobFailure.FOLDER_MISSING


def _refusal(error: OSError) -> FileFailure:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FileFailure.FILE_VANISHED
    # ELOOP: a link has taken its place; ENXIO: a socket or a device nobody is behind.
    if error.errno in _NO_FILE:
        return FileFailure.NOT_A_FILE
    return FileFailure.FILE_UNREADABLE
