"""Resident memory of what a process has started, read from /proc."""

import itertools
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = resource.getpagesize()
_FLAGS, _RESIDENT = 6, 21  # fields of /proc/PID/stat, from the one after the name on
_FORKED_ONLY: Final = 0x40  # flag: has not become another program since it was forked
_MOST: Final = 256
"""Descendants that are counted: who has more must not keep this process busy."""


def of_descendants(pid: int, *, own_bytes: int) -> int:
    """Return the resident memory of all that *pid*, which has *own_bytes* itself, has started.

    What still is a copy of it shares its pages, and counts with what it has beyond them. Of those
    that have just ended, and where the kernel does not list children, nothing is counted.
    """
    found = itertools.islice(_descendants(pid), _MOST)
    return sum(_resident_bytes(each, shared=own_bytes) for each in found)


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    """Return the children of all threads of *pid*."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                children += map(int, (thread / "children").read_text().split())
    return children


def _resident_bytes(pid: int, *, shared: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    # The name is whatever its owner likes, parentheses included.
    fields = stat[stat.rindex(b")") + 1 :].split()
    resident = int(fields[_RESIDENT]) * _PAGE_BYTES
    return max(0, resident - shared) if int(fields[_FLAGS]) & _FORKED_ONLY else resident
