"""Resident memory of a stack's processes over time, and whether it grows."""

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from bench.embedded import CHILDREN

MIB = 1024 * 1024
LARGEST = "largest child"
EACH = "each child"
FORK_SERVER = "fork server"
_BLOCKS = 40

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Slope:
    """Growth by linear regression, in MiB an hour; of the whole run after the warm-up."""

    mib_per_hour: float
    standard_error: float
    first_mib: float  # what the line says at the warm-up's end, and at the last sample
    last_mib: float

    @classmethod
    def of(cls, points: Points) -> "Slope":
        """Fit a line through (seconds, bytes).

        Memory moves in steps, so that neighbouring samples say the same: the standard error is
        that of the means of forty stretches, which is wider and nearer to the truth.
        """
        means = _means([(at / 3600, value / MIB) for at, value in points])
        hours, mib = [at for at, _ in means], [value for _, value in means]
        slope, intercept = statistics.linear_regression(hours, mib)
        squares = sum((y - intercept - slope * x) ** 2 for x, y in means)
        spread = sum((x - statistics.fmean(hours)) ** 2 for x in hours)
        error = math.sqrt(squares / max(1, len(means) - 2) / spread)
        return cls(slope, error, intercept + slope * hours[0], intercept + slope * hours[-1])

    def __str__(self) -> str:
        return (
            f"{self.mib_per_hour:+7.1f} ± {self.standard_error:.1f} MiB an hour "
            f"({self.first_mib:.0f} to {self.last_mib:.0f} MiB)"
        )


def _means(points: Points) -> Points:
    size = max(1, len(points) // _BLOCKS)
    blocks = [points[at : at + size] for at in range(0, len(points), size)]
    return [
        (statistics.fmean(x for x, _ in block), statistics.fmean(y for _, y in block))
        for block in blocks
    ]


def parts_of(data: str) -> dict[str, dict[str, Any]]:
    """Return the parts of the stack in the folder *data*, by name, as `docyard status` has them."""
    command = [sys.executable, "-m", "docyard", "status", "--data", data, "--json"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {part["name"]: part for part in json.loads(answer.stdout)["parts"]}


class MemoryMeter:
    """Samples of every part and of the processor's children: all, one on average, the largest.

    A part that was started again is followed under its next process; the gap has no samples.
    """

    def __init__(self, data: str) -> None:
        self._data = data
        self._began = time.monotonic()
        self._processes: dict[str, psutil.Process] = {}
        self.samples: dict[str, list[tuple[float, float]]] = {}
        self._find()

    def sample(self) -> None:
        """Take one sample of everything."""
        at = time.monotonic() - self._began
        try:
            found = {name: float(one.memory_info().rss) for name, one in self._processes.items()}
            found |= _children(self._processes["processor"])
        except psutil.NoSuchProcess:
            self._find()
            return
        for name, value in found.items():
            self.samples.setdefault(name, []).append((at, value))

    def restarts(self) -> dict[str, int]:
        """Return how often each part had to be started again; none is zero."""
        return {name: part["restarts"] for name, part in parts_of(self._data).items()}

    def slopes(self, *, after_s: float) -> dict[str, Slope]:
        """Return each one's slope from *after_s* seconds on."""
        late = {
            name: [point for point in points if point[0] >= after_s]
            for name, points in self.samples.items()
        }
        return {name: Slope.of(points) for name, points in late.items() if len(points) > 3}

    def _find(self) -> None:
        self._processes = {
            name: psutil.Process(part["pid"])
            for name, part in parts_of(self._data).items()
            if part["pid"]
        }


def _children(processor: psutil.Process) -> dict[str, float]:
    """Return the memory of the fork server and of those it has forked.

    How many there are follows the load, up to one a slot: a leak shows in one on average.
    """
    server, *_ = processor.children()
    sizes = [size for child in server.children(recursive=True) if (size := _resident(child))]
    return {
        FORK_SERVER: float(server.memory_info().rss),
        CHILDREN: float(sum(sizes)),
        EACH: sum(sizes) / max(1, len(sizes)),
        LARGEST: float(max(sizes, default=0)),
    }


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
