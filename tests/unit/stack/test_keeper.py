"""A part is kept running, and its log within bounds."""

import asyncio
import errno
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from tests.waiting import eventually

from docyard_stack import keeper, processes, record, stopping
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder
from docyard_stack.keeper import Keeper
from docyard_stack.part import Launch
from docyard_stack.record import PartState, StackRecord
from docyard_stack.supervisor import Supervisor

_TALK = "import time\nwhile True:\n    print('x' * 99, flush=True)\n    time.sleep(0.001)"


class Talker:
    """A part that says much and serves at once."""

    name = "talker"
    port = 1
    start_s = 20.0
    is_waited_for = False
    stop_signal = signal.SIGTERM
    stop_s = 5.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        pass

    def launch(self) -> Launch:
        return Launch((sys.executable, "-c", _TALK), self._folder)

    async def check(self) -> None:
        pass


class Bounding:
    """Bounds logs, and counts how often it has."""

    finished = 0

    def __call__(self, log: Path) -> None:
        processes.bound_log(log)
        self.finished += 1


async def test_a_log_is_bounded_while_its_part_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_LOG_S", 0.02)
    monkeypatch.setattr(keeper, "bound_log", bounding := Bounding())
    monkeypatch.setattr(processes, "_LOG_MAX_BYTES", 2_000)
    log = tmp_path / "talker.log"
    kept = Keeper(Talker(tmp_path), log=log, changed=lambda: None)
    await kept.start()
    try:
        await eventually((tmp_path / "talker.1.log").exists)
        # One that is under way would cut the log behind the last look at it: that is over first.
        monkeypatch.setattr(processes, "_LOG_MAX_BYTES", 2**30)
        enough = bounding.finished + 2
        await eventually(lambda: bounding.finished >= enough)
        await eventually(lambda: log.stat().st_size > 0)
    finally:
        await kept.stop()

    assert kept.record.restarts == 0
    assert log.read_bytes()[:1] == b"x"


def _full(file: Path, text: str) -> NoReturn:
    del file, text
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_ends_neither_the_care_for_a_part_nor_its_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = StackFolder(tmp_path)
    supervisor = Supervisor(folder, kept := StackRecord())
    with folder.hold():
        await supervisor.start([[Talker(tmp_path)]], lambda _name, _took_s: None)
        part = kept.parts["talker"]
        monkeypatch.setattr(record, "write_private", _full)
        assert part.process is not None
        part.process.send(signal.SIGKILL)
        await eventually(lambda: part.restarts == 1 and part.state is PartState.READY)
        again = part.process
        await supervisor.stop()

    assert not again.alive
    assert part.state is PartState.STOPPED
    await asyncio.to_thread(stopping.stop, folder)


async def test_a_stack_that_can_not_write_down_that_it_starts_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = StackFolder(tmp_path)
    monkeypatch.setattr(record, "write_private", _full)

    with pytest.raises(StackError, match="No space left on device"):
        await Supervisor(folder, StackRecord()).start([], lambda _name, _took_s: None)
