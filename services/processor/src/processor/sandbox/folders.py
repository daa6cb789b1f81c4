"""Folders of runs and of children: thousands of times an hour with a file or none inside."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

_FEW: Final = 16
_SMALL_BYTES: Final = 4 * 1024 * 1024
"""In all: removing 50 MiB takes 30 ms."""


class Folders:
    """Lends empty folders below *root*: a folder is emptied and lent again, not made anew.

    Making and removing a folder costs more than most documents. The root goes with its owner.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._empty: list[Path] = []

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[Path]:
        """Lend a folder for the block; what is in it at the end is gone."""
        folder = self._empty.pop() if self._empty else Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield folder
        finally:
            await self._take_back(folder)

    async def _take_back(self, folder: Path) -> None:
        """Empty *folder*, or remove it where that takes long; never raises.

        A few files are removed here, in less time than a thread takes to begin.
        """
        with contextlib.suppress(OSError):
            if _remove_few(folder):
                self._empty.append(folder)
                return
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def empty(folder: Path) -> bool:
    """Remove what lies in *folder*, and follow nothing; false where something stays."""
    with contextlib.suppress(OSError):
        return _remove_few(folder) or await asyncio.to_thread(_remove_all, folder)
    return False


async def remove(folder: Path) -> None:
    """Remove *folder* with what lies in it; never raises."""
    await empty(folder)
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106 - at once: it is empty


def _remove_all(folder: Path) -> bool:
    """Return false where something stays. Raises OSError."""
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            Path(entry.path).unlink()
    with os.scandir(folder) as left:
        return next(left, None) is None


def _remove_few(folder: Path) -> bool:
    """Return false where there is more than a few small plain files. Raises OSError."""
    with os.scandir(folder) as found:
        entries = list(found)
    if len(entries) > _FEW or any(entry.is_dir(follow_symlinks=False) for entry in entries):
        return False
    if sum(map(_freed, entries)) > _SMALL_BYTES:
        return False
    for entry in entries:
        os.unlink(entry.path)  # noqa: PTH108 - thousands a minute: no Path for each
    return True


def _freed(entry: "os.DirEntry[str]") -> int:
    """Return the bytes that go with *entry*: none of a file that has another name."""
    stat = entry.stat(follow_symlinks=False)
    return stat.st_size if stat.st_nlink == 1 else 0
