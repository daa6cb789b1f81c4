"""The data folder of a stack: who holds it, and what lies where in it."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs

from docyard_stack import postgres_home, record
from docyard_stack.errors import FolderInUseError, ForeignFolderError, StackError
from docyard_stack.record import StackRecord

_RECORD: Final = "stack.json"
_CLIENT: Final = "client.json"
_LOGS: Final = "logs"
_OWN: Final = (_LOGS, "kafka", "objects", "postgres", _CLIENT, _RECORD)
"""What lies in a stack's folder, beside the lock."""


def default_folder() -> Path:
    """Where the stack of this user lies unless told otherwise."""
    return Path(platformdirs.user_data_dir("docyard")) / "stack"


class StackFolder:
    """Everything a stack keeps lies in *path*, apart from the jars, which users share."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @property
    def client_file(self) -> Path:
        """Addresses and tokens for the `docyard` command."""
        return self.path / _CLIENT

    @property
    def was_used(self) -> bool:
        """Whether this folder was ever held."""
        return self._lock_file.exists()

    def log(self, part: str) -> Path:
        return self.path / _LOGS / f"{part}.log"

    def load(self) -> StackRecord | None:
        return record.load(self._record_file)

    def save(self, current: StackRecord) -> None:
        record.write_private(self._record_file, current.model_dump_json(indent=2))

    def claim(self) -> None:
        """Make this folder a stack's; idempotent.

        Raises StackError when what a stack would write there is somebody else's: `erase` deletes
        by name.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = [name for name in _OWN if (self.path / name).exists()]
            if taken and not self.was_used:
                raise ForeignFolderError(self.path, taken)
            self._lock_file.touch(mode=0o600)
        except OSError as error:
            raise StackError(f"{self.path} can not hold a stack: {error.strerror}") from error

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold this folder alone for the block; the kernel lets go when the process dies.

        Raises FolderInUseError when another process holds it, StackError as `claim` does.
        """
        self.claim()
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise FolderInUseError(self.path) from None
        finally:
            os.close(handle)

    def erase(self) -> bool:
        """Delete all that a stack wrote here; return whether there ever was one. Idempotent.

        Call it on a stopped stack. A file that is not the stack's stays, and its folder with it.
        Raises StackError when something can not be deleted; what is left is deleted the next time.
        """
        if not self.was_used:
            return False
        try:
            for path in (postgres_home.home_of(self.path), *map(self.path.joinpath, _OWN)):
                _delete(path)
            for partial in self.path.glob(f".{_RECORD}.*"):
                _delete(partial)
            self._lock_file.unlink()
        except OSError as error:
            raise StackError(f"{error.filename} can not be deleted: {error.strerror}") from error
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return True

    @property
    def _record_file(self) -> Path:
        return self.path / _RECORD

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
