"""The data folder of a stack: who holds it, and what lies where in it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from docyard_stack import postgres_home, record
from docyard_stack.errors import FolderInUseError
from docyard_stack.record import StackRecord


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
        return self.path / "client.json"

    @property
    def was_used(self) -> bool:
        """Whether this folder was ever held."""
        return self._lock_file.exists()

    def log(self, part: str) -> Path:
        return self.path / "logs" / f"{part}.log"

    def load(self) -> StackRecord | None:
        return record.load(self._record_file)

    def save(self, current: StackRecord) -> None:
        record.write_private(self._record_file, current.model_dump_json(indent=2))

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold this folder alone for the block; the kernel lets go when the process dies.

        Raises FolderInUseError when another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise FolderInUseError(self.path) from None
        finally:
            os.close(handle)

    def erase(self) -> None:
        """Delete all that the stack wrote; call it while holding the folder or on a stopped one."""
        postgres_home.erase(self.path)
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def _record_file(self) -> Path:
        return self.path / "stack.json"

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"
