"""What benchmarks say of single documents: the ranks of their times, and the peak of memory."""

import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
from bench.memory import MIB

_SAMPLE_S = 0.02


def ranks(times_s: Sequence[float]) -> str:
    """Return how long documents took, in milliseconds; needed are two of them."""
    rank = statistics.quantiles(times_s, n=100, method="inclusive")
    return f"p50 {rank[49] * 1000:.1f} ms, p95 {rank[94] * 1000:.1f}, p99 {rank[98] * 1000:.1f}"


class PeakMemory:
    """The most that processes had resident together, at any time while they were watched.

    A thread looks, fifty times a second: what is watched may keep an event loop busy. A look at a
    process with its children costs a millisecond or two.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0

    @contextmanager
    def watching(self, resident_bytes: Callable[[], int]) -> Iterator[None]:
        """Watch during the block what *resident_bytes* says."""
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(resident_bytes, done))
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()

    def __str__(self) -> str:
        return f"peak memory {self.peak_bytes / MIB:.0f} MiB"

    def _watch(self, resident_bytes: Callable[[], int], done: threading.Event) -> None:
        while not done.is_set():
            self.peak_bytes = max(self.peak_bytes, resident_bytes())
            done.wait(_SAMPLE_S)


def own_bytes(process: psutil.Process) -> int:
    """Return what *process* alone has resident; of one that has ended, nothing."""
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0


def tree_bytes(process: psutil.Process) -> int:
    """Return what *process* and all below it have resident, each with what it shares."""
    with suppress(psutil.NoSuchProcess):
        return sum(map(own_bytes, [process, *process.children(recursive=True)]))
    return 0
