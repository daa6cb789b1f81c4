"""Which files of a folder a job wants, by glob patterns as shells know them.

`*`, `?` and `[…]` stay within a name, `**` is any number of folders, a pattern without a slash
means names at any depth. Names that begin with a dot are only meant by a part that does too.
The standard library matches names in linear time; published globbers can be made to backtrack.
"""

import fnmatch
import re
from collections.abc import Sequence
from typing import Final

_ANY_FOLDERS: Final = "**"
EVERYTHING: Final = ("**/*",)


class Patterns:
    """Several patterns: a file is wanted when one of them means it."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._globs = [_Glob(pattern) for pattern in patterns or EVERYTHING]

    def want(self, parts: Sequence[str]) -> bool:
        """Whether the file with these path parts is wanted."""
        return any(glob.matches(parts) for glob in self._globs)

    @property
    def mean_hidden_folders(self) -> bool:
        """Whether it is worth to look into folders whose name begins with a dot."""
        return any(glob.means_hidden_folders for glob in self._globs)


class _Glob:
    def __init__(self, pattern: str) -> None:
        trimmed = pattern.strip("/")
        parts = trimmed.split("/") if "/" in pattern.rstrip("/") else [_ANY_FOLDERS, trimmed]
        if parts[-1] == _ANY_FOLDERS:
            parts.append("*")
        self._parts = [None if part == _ANY_FOLDERS else _Part(part) for part in parts]
        self.means_hidden_folders = any(part.startswith(".") for part in parts[:-1])

    def matches(self, names: Sequence[str]) -> bool:
        at = self._reach({0})
        for name in names:
            at = self._reach({after for i in at for after in self._step(i, name)})
        return len(self._parts) in at

    def _step(self, index: int, name: str) -> list[int]:
        if index == len(self._parts):
            return []
        part = self._parts[index]
        if part is None:
            return [] if name.startswith(".") else [index]
        return [index + 1] if part.matches(name) else []

    def _reach(self, at: set[int]) -> set[int]:
        """Add the positions behind each `**`: it may stand for no folder at all."""
        reached = set(at)
        for index in sorted(at):
            position = index
            while position < len(self._parts) and self._parts[position] is None:
                position += 1
                reached.add(position)
        return reached


class _Part:
    """One part between slashes."""

    def __init__(self, part: str) -> None:
        self._hidden = part.startswith(".")
        self._expression = re.compile(fnmatch.translate(part))

    def matches(self, name: str) -> bool:
        if name.startswith(".") and not self._hidden:
            return False
        return self._expression.match(name) is not None
