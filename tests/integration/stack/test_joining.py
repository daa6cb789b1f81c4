"""Commands that meet a stack which another one is just starting or stopping."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.integration.stack.evidence import pids, record_of
from tests.integration.stack.stand_in import ADDRESSES, StandIn
from tests.waiting import until

from docyard_stack import stopping
from docyard_stack.commands.lifecycle import start_detached
from docyard_stack.errors import StackError, StartFailedError
from docyard_stack.folder import StackFolder
from docyard_stack.record import Phase, StackRecord
from docyard_stack.status import is_running

pytestmark = pytest.mark.integration


class WatchedFolder(StackFolder):
    """Counts how often its record was read."""

    looks = 0

    def load(self) -> StackRecord | None:
        self.looks += 1
        return super().load()

    def is_waited_for_by(self, command: Future[object]) -> bool:
        """Whether *command* goes on looking and has not ended."""
        looks = self.looks
        until(lambda: command.done() or self.looks > looks + 3)
        return not command.done()


@pytest.fixture
def folder(tmp_path: Path) -> WatchedFolder:
    return WatchedFolder(tmp_path / "stack")


@pytest.fixture
def stand_in(folder: WatchedFolder) -> Iterator[StandIn]:
    process = StandIn(folder.path)
    yield process
    process.end()


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[object]]]:
    """Run something beside the test."""
    with ThreadPoolExecutor() as threads:
        yield threads.submit


def test_up_waits_until_a_stack_that_starts_serves(
    folder: WatchedFolder, stand_in: StandIn, aside: Callable[..., Future[object]]
) -> None:
    stand_in.say(Phase.STARTING)

    up = aside(start_detached, folder)

    waits = folder.is_waited_for_by(up)
    stand_in.say(Phase.READY)
    assert waits
    assert up.result() == (ADDRESSES, False)


def test_up_tells_why_the_start_that_it_waited_for_failed(
    folder: WatchedFolder, stand_in: StandIn, aside: Callable[..., Future[object]]
) -> None:
    stand_in.say(Phase.STARTING)

    up = aside(start_detached, folder)

    waits = folder.is_waited_for_by(up)
    stand_in.say(Phase.FAILED)
    assert waits
    with pytest.raises(StartFailedError, match="kafka could not start: no"):
        up.result()


def test_up_says_when_the_stack_that_it_waited_for_was_stopped(
    folder: WatchedFolder, stand_in: StandIn, aside: Callable[..., Future[object]]
) -> None:
    stand_in.say(Phase.STARTING)

    up = aside(start_detached, folder)

    waits = folder.is_waited_for_by(up)
    stand_in.say(Phase.STOPPING)
    stand_in.end()
    assert waits
    with pytest.raises(StackError, match="stopped before it served"):
        up.result()


@pytest.mark.parametrize("has_record", [False, True])
def test_down_stops_a_stack_that_holds_its_folder_and_is_not_written_down_yet(
    folder: WatchedFolder,
    stand_in: StandIn,
    aside: Callable[..., Future[object]],
    *,
    has_record: bool,
) -> None:
    if has_record:
        folder.save(StackRecord())

    down = aside(stopping.stop, folder)

    waits = folder.is_waited_for_by(down)
    stand_in.say(Phase.STARTING)
    assert waits
    assert down.result()
    assert stand_in.process.wait() == -signal.SIGTERM
    assert record_of(folder.path).phase is Phase.STOPPED


def test_down_leaves_no_trace_where_there_never_was_a_stack(tmp_path: Path) -> None:
    assert not stopping.stop(StackFolder(tmp_path))

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def data(stack_data: Path) -> Iterator[Path]:
    """A folder for one stack, which is stopped at the end."""
    yield stack_data
    stopping.stop(StackFolder(stack_data))


def command(*arguments: str | Path) -> subprocess.Popen[str]:
    words = (sys.executable, "-m", "docyard", *arguments)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def is_locked(file: Path) -> bool:
    """Whether somebody holds it; to try to lock it could keep `up` from it."""
    if not file.exists():
        return False
    entry = f":{file.stat().st_ino} "
    locks = Path("/proc/locks").read_text().splitlines()
    return any("FLOCK" in lock and entry in lock for lock in locks)


def serves(addresses: str) -> bool:
    return httpx.get(f"{json.loads(addresses)['ingest']}/health", trust_env=False).is_success


@pytest.mark.usefixtures("given")
def test_two_commands_at_once_both_return_when_the_stack_serves(data: Path) -> None:
    """Whichever comes first starts it, the other waits."""
    up = ("up", "--detach", "--json", "--data", data)

    with command(*up) as first, command(*up) as second:
        told = [each.communicate()[0] for each in (second, first)]

    assert told[0] == told[1]
    assert serves(told[0])


@pytest.mark.usefixtures("given")
def test_up_starts_the_stack_once_the_one_that_stops_has_ended(data: Path) -> None:
    stops = StandIn(data)
    stops.say(Phase.STOPPING)

    with command("up", "--detach", "--json", "--data", data) as up:
        assert up.stderr is not None
        found = up.stderr.readline()
        stops.end()
        told, _ = up.communicate()

    assert "stopping" in found
    assert serves(told)


@pytest.mark.usefixtures("given")
def test_down_right_behind_the_first_up_leaves_nothing_running(data: Path) -> None:
    with command("up", "--data", data) as up:
        until(lambda: is_locked(data / "lock"))

        assert stopping.stop(StackFolder(data))

        up.communicate()
    assert pids(record_of(data)) == []


@pytest.mark.usefixtures("given")
def test_a_demo_stops_what_it_started_and_nothing_else(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("Three words suffice.")
    with command("up", "--detach", "--data", data):
        until(lambda: is_running(StackFolder(data).load()))
        with command("demo", file, "--data", data) as joining:
            joining.communicate()
    assert joining.returncode == 0
    assert record_of(data).phase is Phase.READY

    stopping.stop(StackFolder(data))
    with command("demo", file, "--data", data) as starting:
        starting.communicate()
    assert starting.returncode == 0
    assert record_of(data).phase is Phase.STOPPED
