"""What benchmarks of one large transfer share: ways that alternate, what each costs, the report."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import psutil
from bench.ingest_process import MIB, Ingest

WARM_UP = 72 * MIB
"""Above the threshold from which presigned uploads come in parts."""


@dataclass(frozen=True)
class Round:
    """One transfer: how long it took, and what it cost whom."""

    seconds: float
    cpu_s: dict[str, float]  # by the name of the process
    peak_mib: float  # of ingest
    written_mib: float  # to files, by ingest


@dataclass(frozen=True)
class Way:
    """One way to bring a file into the store."""

    send: Callable[[int], str]  # given its size; returns what it can be erased by
    erase: Callable[[str], None]


@dataclass
class Meter:
    """Measures transfers; the client is this process itself."""

    ingest: Ingest
    others: Mapping[str, psutil.Process | None] = field(default_factory=dict)

    def round(self, way: Way, size: int) -> Round:
        """Let *way* bring in a file of *size* bytes; erase it when all is measured."""
        self.ingest.forget_peak()
        cpu, written = self._cpu_s(), self.ingest.written_mib()
        started = time.perf_counter()
        sent = way.send(size)
        seconds = time.perf_counter() - started
        spent = {name: now - cpu[name] for name, now in self._cpu_s().items()}
        found = Round(seconds, spent, self.ingest.peak_mib(), self.ingest.written_mib() - written)
        self.ingest.require_no_temporary_file()
        way.erase(sent)
        return found

    def _cpu_s(self) -> dict[str, float]:
        watched = {"client": psutil.Process(), "ingest": self.ingest.watched, **self.others}
        return {name: sum(each.cpu_times()[:2]) for name, each in watched.items() if each}


def options(description: str | None, *, mib: int = 1024, rounds: int = 3) -> argparse.Namespace:
    """Read `--mib` and `--rounds` from the command line."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--mib", type=int, default=mib)
    arguments.add_argument("--rounds", type=int, default=rounds)
    return arguments.parse_args()


def compare(
    ways: Mapping[str, Way], meter: Meter, *, size: int, rounds: int
) -> dict[str, list[Round]]:
    """Run all ways in turns, each once before to warm up; what else the machine does hits all."""
    for way in ways.values():
        meter.round(way, min(size, WARM_UP))
    found: dict[str, list[Round]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(meter.round(way, size))
    return found


def report(
    size: int, rounds: Mapping[str, list[Round]], *, ours: tuple[str, ...], peers: tuple[str, ...]
) -> None:
    """Print rates with their spread, who spent what, and the ratios of *ours* to *peers*."""
    mib = size / MIB
    rates = {name: [mib / r.seconds for r in found] for name, found in rounds.items()}
    for name, found in rates.items():
        shown = " ".join(f"{rate:6.1f}" for rate in found)
        print(f"{name:10} median {statistics.median(found):6.1f} MiB/s   rounds {shown}")
        print(f"{'':10} CPU seconds a GiB: {_costs(rounds[name], mib)}")
    for way in ours:
        for peer in peers:
            ratios = [i / d for i, d in zip(rates[way], rates[peer], strict=True)]
            middle = statistics.median(ratios)
            print(f"{way} / {peer} {middle:.2f}   from {min(ratios):.2f} to {max(ratios):.2f}")
        peak, written = (
            max(r.peak_mib for r in rounds[way]),
            max(r.written_mib for r in rounds[way]),
        )
        print(f"{way}: peak memory of ingest {peak:.0f} MiB, written to files {written:.2f} MiB")


def _costs(found: list[Round], mib: float) -> str:
    medians = {
        name: statistics.median(r.cpu_s[name] for r in found) / (mib / 1024)
        for name in found[0].cpu_s
    }
    named = ", ".join(f"{name} {seconds:.2f}" for name, seconds in medians.items())
    return f"{named}, together {sum(medians.values()):.2f}"
