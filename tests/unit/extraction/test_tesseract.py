"""Time limits of OCR count what is computed, not how long others had the processor."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.unit.extraction.scans import WORDS, picture_of
from tests.waiting import eventually

from processor.extraction import tesseract
from processor.extraction.ocr import Ocr

HALTED_S = 4.0
READ_FOR_THREE_SECONDS = (
    "from processor.extraction import tesseract as t;print(t.read(b'', ('eng',), work_s=3))"
)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a program of that name before the real one."""
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return program


def test_only_processor_time_is_charged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "sleep 0.6; echo level")
    ocr = Ocr(("eng",), seconds=1)

    found = [ocr.read(picture_of(WORDS)) for _ in range(2)]

    assert None not in found
    assert 0 < ocr.seconds < 1


def test_a_page_that_takes_too_much_of_the_processor_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "while :; do :; done")
    before = tesseract.spent_s()

    assert tesseract.read(b"", ("eng",), cpu_s=1, work_s=1_000) is None
    assert tesseract.spent_s() - before < 3


def test_a_page_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "exec sleep 1000")

    assert tesseract.read(b"", ("eng",), work_s=0.3) is None


def test_pages_that_wait_for_the_processor_are_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of the whole document counts as clocks do, and what was read would go with it."""
    stand_in(tmp_path, monkeypatch, "sleep 1.1; echo level")
    ocr = Ocr(("eng",), seconds=0.1)

    found = [ocr.read(picture_of(WORDS)) for _ in range(2)]

    assert [one is None for one in found] == [False, True]
    assert (ocr.pages, ocr.unread) == (1, 1)


def test_a_picture_is_handed_over_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "sleep 0.3; wc -c")

    assert int(tesseract.read(bytes(3_000_000), ("eng",)) or 0) == 3_000_000


async def test_a_page_is_not_lost_while_its_reader_is_halted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = 'touch "$0.begun"; until test -e "$0.go"; do sleep 0.05; done; echo level'
    program, loop = stand_in(tmp_path, monkeypatch, waits), asyncio.get_running_loop()
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READ_FOR_THREE_SECONDS, stdout=PIPE, start_new_session=True
    )
    await eventually(program.with_suffix(".begun").exists)

    os.killpg(reader.pid, signal.SIGSTOP)
    over = loop.time() + HALTED_S
    await eventually(lambda: loop.time() > over)
    program.with_suffix(".go").touch()
    os.killpg(reader.pid, signal.SIGCONT)

    said, _ = await reader.communicate()
    assert said == b"b'level\\n'\n"
