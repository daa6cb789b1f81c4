"""Folders of one run: thousands an hour, most of them with a file or none inside."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Final

_FEW: Final = 16


async def remove_folder(folder: Path) -> None:
    """Remove *folder* and what is in it; never raises, and one that is gone is fine.

    A few files are removed here, in less time than a thread takes to begin; the rest on a thread.
    """
    with contextlib.suppress(OSError):
        if _remove_few(folder):
            return
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _remove_few(folder: Path) -> bool:
    """Return false where there is more than a few plain files. Raises OSError."""
    entries = list(folder.iterdir())
    if len(entries) > _FEW or any(entry.is_dir() and not entry.is_symlink() for entry in entries):
        return False
    for entry in entries:
        entry.unlink()
    folder.rmdir()
    return True
