"""How much memory there is for this process: that of its control group, or of the machine."""

from pathlib import Path
from typing import Final

import psutil

_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_bytes(limits: tuple[Path, ...] = _LIMITS) -> int:
    """Return the smallest limit that holds; a control group without one says nothing."""
    physical = int(psutil.virtual_memory().total)
    return min([physical, *filter(None, map(_limit, limits))])


def _limit(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
