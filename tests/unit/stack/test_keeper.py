"""A part is kept running, and its log within bounds."""

import signal
import sys
from pathlib import Path

import pytest
from tests.waiting import eventually

from docyard_stack import keeper, processes
from docyard_stack.keeper import Keeper
from docyard_stack.part import Launch

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


async def test_a_log_is_bounded_while_its_part_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_LOG_S", 0.02)
    monkeypatch.setattr(processes, "_LOG_MAX_BYTES", 2_000)
    log = tmp_path / "talker.log"
    kept = Keeper(Talker(tmp_path), log=log, changed=lambda: None)
    await kept.start()
    try:
        await eventually((tmp_path / "talker.1.log").exists)
        await eventually(lambda: log.stat().st_size > 0)
    finally:
        await kept.stop()

    assert kept.record.restarts == 0
    assert log.read_bytes()[:1] == b"x"
