"""What benchmarks say of single documents: ranks, a peak given back, and that all of them do."""

import argparse
import mmap
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from bench import celery_redis, extract_isolation, text_extraction
from bench.documents import PeakMemory, own_bytes, ranks, tree_bytes
from bench.memory import MIB
from tests.waiting import eventually

from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[3]
TOLD = "p50 500.0 ms, p95 950.0, p99 990.0"
TIMES = [number / 1000 for number in range(1001)]
HOLDS = "import sys; held = bytearray(64 << 20); sys.stdout.write('.'); sys.stdout.flush(); input()"


def nothing() -> int:
    return 7 * MIB


@pytest.fixture
async def watched() -> PeakMemory:
    peak = PeakMemory()
    with peak.watching(nothing):
        await eventually(lambda: peak.peak_bytes > 0)
    return peak


def test_ranks_are_those_of_the_times() -> None:
    assert ranks(TIMES) == TOLD


async def test_a_peak_that_is_given_back_is_seen() -> None:
    peak = PeakMemory()
    here = psutil.Process()
    with peak.watching(lambda: own_bytes(here)):
        before = own_bytes(here)
        with mmap.mmap(-1, 64 * MIB) as held:
            held.write(b"x" * 64 * MIB)
            await eventually(lambda: peak.peak_bytes > before + 48 * MIB)
        after = own_bytes(here)

    assert peak.peak_bytes > max(before, after) + 32 * MIB


def test_a_tree_has_what_is_below_it_and_its_root_has_not() -> None:
    before = own_bytes(psutil.Process())
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.read(1)
        tree, own = tree_bytes(psutil.Process()), own_bytes(psutil.Process())
        held = psutil.Process(child.pid)
        child.communicate(b"\n")

    assert tree - own > 64 * MIB
    assert own - before < 64 * MIB
    assert (own_bytes(held), tree_bytes(held)) == (0, 0)


def test_each_way_to_read_is_told_with_its_ranks_and_its_peak(
    watched: PeakMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    async def read(path: Path) -> None:
        del path

    names = ("bare", "in this process", "text only", "with thumbnail")
    rates = [(1.0, 1.0)]
    extract_isolation.show(
        {name: extract_isolation.Way(read, nothing, rates, TIMES, watched) for name in names}
    )

    told = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in told[-4:]] == [
        f"{name}: {TOLD}; peak memory 7 MiB" for name in names
    ]


def test_both_sides_of_celery_are_told_with_their_ranks_and_their_peak(
    watched: PeakMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    async def burst(documents: int) -> float:
        return float(documents)

    def side() -> celery_redis.Side:
        return celery_redis.Side(burst, {}, nothing, (), [1.0], [{"worker": 1.0}], TIMES, watched)

    celery_redis.report({"docyard": side(), "celery": side()})

    told = capsys.readouterr().out.splitlines()
    assert [line.endswith(f"{TOLD} a document; peak memory 7 MiB") for line in told] == [
        True, True, False,
    ]  # fmt: skip


def test_each_reader_of_text_is_told_with_its_ranks_and_its_peak(
    watched: PeakMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    found = text_extraction.Found([1.0], [1.0], TIMES, peak=watched)
    text_extraction.report({"docyard": found})

    assert f"{TOLD}; peak memory 7 MiB; " in capsys.readouterr().out


async def test_children_are_replaced_as_in_the_product_once_a_round(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    used = list[SandboxLimits]()

    def made(limits: SandboxLimits, *, nursery: Nursery) -> Sandbox:
        used.append(limits)
        return Sandbox(limits, nursery=nursery)

    monkeypatch.setattr(extract_isolation, "Sandbox", made)
    monkeypatch.setattr(extract_isolation, "PAGES", 20)  # some ticks of the CPU clock
    default = extract_isolation.parser().parse_args([])
    await extract_isolation.main(argparse.Namespace(rounds=1, documents=4))

    assert used == [SandboxLimits()]
    assert default.documents == SandboxLimits().documents_per_child
    assert "4 documents of 20 pages, 1 alternating rounds" in capsys.readouterr().out


def test_all_of_them_are_measured_with_bulky_files_and_with_documents_of_all_kinds() -> None:
    told = subprocess.run(
        ["make", "--dry-run", "bench"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert 'lifecycle) options="--bulky 50";;' in told
    assert "celery_redis) options=--mixed;;" in told
