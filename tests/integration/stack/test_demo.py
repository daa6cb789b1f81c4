"""The demonstration tells its own story, to its end, and leaves nothing running."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.integration.stack.evidence import pids, record_of

from docyard_stack.record import Phase

pytestmark = pytest.mark.integration


@pytest.fixture
def told(given: str, stack_data: Path) -> subprocess.CompletedProcess[str]:
    """What `docyard demo` without files says, on the session's servers."""
    assert given
    command = (sys.executable, "-m", "docyard", "demo", "--data", stack_data)
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=400, check=False, env=environment
    )


def test_the_demonstration_shows_what_it_promises_and_leaves_nothing(
    told: subprocess.CompletedProcess[str], stack_data: Path
) -> None:
    """Documents come in, a word is found on its page, a dead letter is shown with its reason."""
    assert told.returncode == 0, told.stderr
    story = told.stdout
    assert story.count("\tcompleted\t") == 8  # seven documents and the replay
    assert re.search(r"\tfailed\tbroken-upload\.pdf\t", story)
    check_found_on_its_page(story)
    assert re.findall(r"^reason +(\w+)$", story, re.MULTILINE) == ["unreadable_document"] * 2
    assert re.findall(r"^replays +(\d)$", story, re.MULTILINE) == ["0", "1"]
    assert "discarded" in told.stderr
    last = story.partition("What to open next")[2]
    assert re.findall(r"/docs +(.+)$", last, re.MULTILINE) == [
        "the API", "live progress", "dead letters",
    ]  # fmt: skip
    assert "docyard up" in last
    check_nothing_is_left(stack_data)


def check_found_on_its_page(story: str) -> None:
    promised = re.search(r"A word that stands on page (\d+) of (\S+) alone", story)
    assert promised
    page, name = int(promised[1]), promised[2]
    answers = story[promised.end() :].partition("And a question in plain words")[0]
    found = re.findall(r"^(\S+), pages? (\d+)(?:-(\d+))?  \(", answers, re.MULTILINE)
    assert [each[0] for each in found] == [name]
    assert int(found[0][1]) <= page <= int(found[0][2] or found[0][1])


def check_nothing_is_left(data: Path) -> None:
    record = record_of(data)
    assert record.phase is Phase.STOPPED
    assert pids(record) == []
    assert [process for process in psutil.process_iter() if belongs_to(process, data)] == []


def belongs_to(process: psutil.Process, data: Path) -> bool:
    """Whether a process was told of *data*, by its arguments or its environment."""
    try:
        words = [*process.cmdline(), *process.environ().values()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(str(data) in word for word in words)
