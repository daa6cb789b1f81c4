"""A fork server that is short of something, hangs or dies costs no document and no folder."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.unit.sandbox.conftest import MISBEHAVING, REPOSITORY, ignore, is_gone
from tests.unit.sandbox.misbehaving import task
from tests.waiting import eventually

from processor.sandbox import control
from processor.sandbox.errors import NoChildError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted


@asynccontextmanager
async def started(stages: str = MISBEHAVING, **environment: str) -> AsyncIterator[Nursery]:
    nursery = Nursery(stages=stages, environment={"PYTHONPATH": str(REPOSITORY), **environment})
    await nursery.start()
    try:
        yield nursery
    finally:
        await nursery.close()


def _server(nursery: Nursery) -> psutil.Process:
    assert nursery.pid is not None
    return psutil.Process(nursery.pid)


def _is_known_to_be_gone(nursery: Nursery) -> bool:
    server = nursery._server  # noqa: SLF001
    return server is not None and not server.is_alive()


@pytest.mark.parametrize("call", ["fork", "pidfd_open"])
async def test_a_fork_that_the_system_refuses_blames_it_and_the_next_one_may_succeed(
    limits: SandboxLimits, tmp_path: Path, call: str
) -> None:
    short = tmp_path / "short"
    environment = {"TEST_SHORT_CALL": call, "TEST_SHORT_FILE": str(short)}
    async with started("tests.unit.sandbox.short", **environment) as nursery:
        server, sandbox = _server(nursery), Sandbox(limits, nursery=nursery)
        short.touch()

        with pytest.raises(NoChildError, match="temporarily unavailable"):
            await sandbox.run(task("work"), on_progress=ignore)

        assert not server.children()
        async with nursery.lend_folder() as folder:
            assert folder.is_dir()
        short.unlink()
        assert isinstance(await sandbox.run(task("work"), on_progress=ignore), Extracted)
        assert nursery.pid == server.pid
        await sandbox.close()


async def test_a_server_that_hangs_is_replaced_and_folders_stay(
    limits: SandboxLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with started() as nursery, nursery.lend_folder() as folder:
        (folder / "original").write_text("fetched")
        server, sandbox = _server(nursery), Sandbox(limits, nursery=nursery)
        server.send_signal(signal.SIGSTOP)

        with monkeypatch.context() as impatient:
            impatient.setattr(control, "_FORK_S", 0.3)
            with pytest.raises(NoChildError, match="did not answer"):
                await sandbox.start()

        assert is_gone(server.pid)
        read = task("read_given").model_copy(update={"input": folder / "original"})
        told = await sandbox.run(read, on_progress=ignore)
        assert isinstance(told, Extracted)
        assert told.metadata["texts"] == ["fetched"]
        await sandbox.close()


async def test_a_child_is_ended_though_its_server_hangs(
    limits: SandboxLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processor.sandbox.resident._LAST_NEWS_S", 0.3)
    async with started() as nursery:
        server, sandbox = _server(nursery), Sandbox(limits, nursery=nursery)
        await sandbox.start()
        (child,) = server.children()
        server.send_signal(signal.SIGSTOP)

        async with asyncio.timeout(10):
            await sandbox.close()

        await eventually(lambda: is_gone(child.pid))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_folders_are_lent_and_stay_lent_when_the_server_has_died(
    number: signal.Signals,
) -> None:
    async with started() as nursery, nursery.lend_folder() as before:
        (before / "original").write_text("fetched")
        server = _server(nursery)
        server.send_signal(number)
        await eventually(lambda: is_gone(server.pid))
        await eventually(lambda: _is_known_to_be_gone(nursery))

        async with nursery.lend_folder() as folder:
            assert await asyncio.to_thread(os.listdir, folder) == []
            assert nursery.pid != server.pid

        assert (before / "original").read_text() == "fetched"


async def test_nothing_is_left_of_folders_when_the_nursery_closes() -> None:
    async with started() as nursery:
        server = _server(nursery)
        server.kill()
        await eventually(lambda: is_gone(server.pid))
        async with nursery.lend_folder() as folder:
            root = folder.parent

    assert not root.exists()


async def test_a_server_that_does_not_start_blames_the_system_and_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(NoChildError, match="did not start"):
        await Nursery(stages="tests.no_such_module").start()

    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_a_child_whose_birth_and_end_are_told_at_once_has_ended() -> None:
    async with started() as nursery:
        server = _server(nursery)
        spawning = asyncio.create_task(nursery.spawn())
        await asyncio.sleep(0)
        # Nothing is read before the child is gone and both are told.
        while not (children := server.children()):
            time.sleep(0.01)  # noqa: ASYNC251 - to keep the loop from reading
        children[0].kill()
        while server.children():
            time.sleep(0.01)  # noqa: ASYNC251 - to keep the loop from reading
        time.sleep(0.1)  # noqa: ASYNC251 - to keep the loop from reading

        child = await spawning

        assert (await child.exited).code == -signal.SIGKILL
        child.connection.close()
