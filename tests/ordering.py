"""The order of a suite that several workers run: what is heavy is spread among what is light.

Fault tests start whole fleets; two files of them side by side want more than two cores have, and
what measures nothing but patience would run out of it.
"""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final, TypeVar

_HEAVY: Final = ("fault",)
_LAST: Final = ("unit",)
"""Short files, to fill what is left of the time at the end."""

_File = TypeVar("_File")


def spread(files: Iterable[tuple[Path, _File]]) -> list[_File]:
    """Return *files*, told by their path below `tests`, with the heavy ones evenly among others."""
    heavy, light, last = list[_File](), list[_File](), list[_File]()
    for path, file in files:
        folder = path.parts[0]
        (heavy if folder in _HEAVY else last if folder in _LAST else light).append(file)
    if not heavy:
        return light + last
    size = max(1, -(-len(light) // len(heavy)))
    groups = [light[start : start + size] for start in range(0, len(light), size)]
    return [each for pair in _pairs(heavy, groups) for each in pair] + last


def _pairs(heavy: Sequence[_File], groups: Sequence[Sequence[_File]]) -> Iterable[list[_File]]:
    for one, group in zip_longest(heavy, groups):
        yield [*([] if one is None else [one]), *(group or ())]
