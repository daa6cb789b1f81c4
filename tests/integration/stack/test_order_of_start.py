"""In which order parts start: what is waited for by others need not serve before they load."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.waiting import eventually

from docyard_stack.errors import NotReadyError
from docyard_stack.folder import StackFolder
from docyard_stack.part import Launch, Part
from docyard_stack.record import StackRecord
from docyard_stack.supervisor import Supervisor

pytestmark = pytest.mark.integration


class Sleeper:
    """A part that runs, and serves when it is told to."""

    port = 1
    start_s = 60.0
    stop_signal = signal.SIGTERM
    stop_s = 5.0

    def __init__(self, name: str, folder: Path, *, is_waited_for: bool = False) -> None:
        self.name = name
        self.is_waited_for = is_waited_for
        self.serves = False
        self.launched = False
        self._folder = folder

    def prepare(self) -> None:
        """Nothing to do."""

    def launch(self) -> Launch:
        self.launched = True
        return Launch(program=("/bin/sleep", "60"), folder=self._folder)

    async def check(self) -> None:
        if not self.serves:
            raise NotReadyError("not yet")


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    folder = StackFolder(tmp_path / "stack")
    with folder.hold():
        supervisor = Supervisor(folder, StackRecord())
        yield supervisor
        await supervisor.stop()


def starting(supervisor: Supervisor, *tiers: Sequence[Part]) -> asyncio.Task[None]:
    return asyncio.create_task(supervisor.start(tiers, lambda *_: None))


async def test_services_load_while_a_broker_that_they_wait_for_still_starts(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    broker = Sleeper("broker", tmp_path, is_waited_for=True)
    service = Sleeper("service", tmp_path)
    start = starting(supervisor, [broker], [service])

    await eventually(lambda: service.launched)
    assert not start.done()

    broker.serves = service.serves = True
    await start


async def test_services_start_when_the_database_serves_and_not_before(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    database, service = Sleeper("database", tmp_path), Sleeper("service", tmp_path)
    start = starting(supervisor, [database], [service])

    await eventually(lambda: database.launched)
    assert not service.launched

    database.serves = service.serves = True
    await start
    assert service.launched
