"""Walks a folder: every entry is found, refused or skipped, and links are never followed.

It blocks, holds one folder open at a time, and remembers the folders that are still to come.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

from ingest.folder_job import FileFailure, FoundFile, RefusedEntry
from ingest.sync.folders import OpenFolder, signature_of
from ingest.sync.names import MAX_KEY_BYTES, key_fault, shown
from ingest.sync.patterns import Patterns

SYMLINK: Final = "symlink"
SPECIAL: Final = "special"
HIDDEN: Final = "hidden"

_Parts = tuple[str, ...]


class Walk:
    """One walk over one folder; *prefix* is what every key begins with."""

    def __init__(self, folder: OpenFolder, patterns: Patterns, *, prefix: str) -> None:
        self._folder = folder
        self._patterns = patterns
        self._prefix = prefix
        self._waiting: list[_Parts] = [()]
        self.skipped: Counter[str] = Counter()
        """How many entries were passed by, by what they are."""

    def entries(self) -> Iterator[FoundFile | RefusedEntry]:
        """Yield files and refusals in no particular order. Raises FolderLostError.

        What comes or goes while it walks may be seen or not; the next walk sees it.
        """
        while self._waiting:
            parts = self._waiting.pop()
            try:
                yield from self._read(parts)
            except FileNotFoundError:
                self._folder.check()
            except OSError:
                self._folder.check()
                yield RefusedEntry(
                    shown((*parts, "")), FileFailure.FOLDER_UNREADABLE, is_folder=True
                )

    def _read(self, parts: _Parts) -> Iterator[FoundFile | RefusedEntry]:
        with self._folder.folder(parts) as descriptor, os.scandir(descriptor) as listing:
            for entry in listing:
                judged = self._judge(parts, entry)
                if judged is not None:
                    yield judged

    def _judge(self, parts: _Parts, entry: os.DirEntry[str]) -> FoundFile | RefusedEntry | None:
        path = (*parts, entry.name)
        if entry.is_dir(follow_symlinks=False):
            return self._go_down(path)
        if not self._patterns.want(path):
            self.skipped[HIDDEN] += entry.name.startswith(".")
            return None
        if not entry.is_file(follow_symlinks=False):
            self.skipped[SYMLINK if entry.is_symlink() else SPECIAL] += 1
            return None
        fault = key_fault(self._prefix + "/".join(path))
        if fault is not None:
            return RefusedEntry(shown(path), fault)
        try:
            signature = signature_of(entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None
        return FoundFile("/".join(path), signature)

    def _go_down(self, path: _Parts) -> RefusedEntry | None:
        """Remember a folder; one whose files could have no key is refused as a whole."""
        if path[-1].startswith(".") and not self._patterns.mean_hidden_folders:
            self.skipped[HIDDEN] += 1
            return None
        key = self._prefix + "/".join(path)
        if len(key.encode("utf-8", "surrogateescape")) >= MAX_KEY_BYTES:
            return RefusedEntry(shown((*path, "")), FileFailure.PATH_TOO_LONG, is_folder=True)
        self._waiting.append(path)
        return None
