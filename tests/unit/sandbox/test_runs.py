"""What comes out of a child, and what a child can see."""

import asyncio
import os
import socket
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.sandbox.conftest import MISBEHAVING, REPOSITORY, ignore
from tests.unit.sandbox.misbehaving import AUTOGROUP, task

from docyard_common.search.port import Chunk
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.resident import TakeBreaks
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted, Indexed, PagesReady, Progress

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _facts(sandbox: Sandbox, *, gives_way: TakeBreaks | None = None) -> dict[str, object]:
    told = task("tell_about_self")
    result = await sandbox.run(told, on_progress=ignore, gives_way=gives_way)
    assert isinstance(result, Extracted)
    return result.metadata


async def _no_break(_halt: Callable[[], None], _go_on: Callable[[], None]) -> None:
    """Nobody else is there."""


async def test_pages_arrive_in_order_and_the_result_last(sandbox: Sandbox) -> None:
    batches: list[PagesReady] = []
    ticks: list[Progress] = []

    async def on_pages(batch: PagesReady) -> None:
        batches.append(batch)

    async def on_progress(progress: Progress) -> None:
        ticks.append(progress)

    result = await sandbox.run(task("work", pages=500), on_progress=on_progress, on_pages=on_pages)

    assert isinstance(result, Extracted)
    assert [batch.first for batch in batches] == list(range(1, 501))
    assert {batch.data for batch in batches} == {b"x" * 1000}
    assert ticks[0].pages_total == 500
    assert (result.metadata, result.thumbnail) == ({"title": "ü"}, b"picture")


async def test_chunks_cross_with_their_embeddings(sandbox: Sandbox) -> None:
    result = await sandbox.run(task("index"), on_progress=ignore)

    assert isinstance(result, Indexed)
    assert len(result.chunks) == 600
    last = result.chunks[599]
    assert replace(last, embedding=[*last.embedding]) == Chunk(
        599, "text 599", 599, 600, "Heading", [599.0, 0.5]
    )
    assert isinstance(last.embedding, array), "four bytes a number, as it came"


async def test_a_child_is_replaced_after_its_share_of_documents(
    nursery: Nursery, limits: SandboxLimits
) -> None:
    sandbox = Sandbox(limits.model_copy(update={"documents_per_child": 2}), nursery=nursery)

    pids = [(await _facts(sandbox))["pid"] for _ in range(4)]

    assert pids[0] == pids[1]
    assert pids[1] != pids[2]
    assert pids[2] == pids[3]
    await sandbox.close()


async def test_every_run_has_an_empty_folder_whatever_the_one_before_has_left(
    sandbox: Sandbox,
) -> None:
    first, second = await _facts(sandbox), await _facts(sandbox)

    assert first["files"] == second["files"] == []
    assert await asyncio.to_thread(os.listdir, str(second["cwd"])) == []


async def test_a_child_sees_no_secrets_and_no_descriptors(
    limits: SandboxLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBJECT_STORE__SECRET_KEY", "secret")
    nursery = Nursery(stages=MISBEHAVING, environment={"PYTHONPATH": str(REPOSITORY)})
    sandbox = Sandbox(limits, nursery=nursery)

    with socket.socket() as ours:
        ours.set_inheritable(True)
        facts = await _facts(sandbox)

    assert "OBJECT_STORE__SECRET_KEY" not in str(facts["environment"])
    descriptors = facts["descriptors"]
    assert isinstance(descriptors, list)
    # The standard streams, the socket, the one that lists the folder, and the one to give way by.
    assert len(descriptors) == 5 + AUTOGROUP.exists()
    await sandbox.close()
    await nursery.close()


async def test_a_child_gives_way_for_one_run_and_for_good(sandbox: Sandbox) -> None:
    before = await _facts(sandbox)
    giving = await _facts(sandbox, gives_way=_no_break)
    after = await _facts(sandbox)

    niceness = [facts["niceness"] for facts in (before, giving, after)]
    assert niceness == [before["niceness"], 10, before["niceness"]]
    assert str(giving["group"]).split()[-2:] == ["nice", "10"]
    assert giving["pid"] == before["pid"] != after["pid"]


async def test_a_child_opens_nothing_of_others_where_the_kernel_allows_that(
    nursery: Nursery, sandbox: Sandbox, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")

    others = task("open_others", file=str(secret), pid=os.getpid())
    result = await sandbox.run(others, on_progress=ignore)

    assert isinstance(result, Extracted)
    reachable = not nursery.is_confined
    expected = {"read": reachable, "write": reachable, "environment": reachable, "own": True}
    assert result.metadata == expected


async def test_a_child_opens_nothing_of_other_children_where_the_kernel_allows_that(
    nursery: Nursery, limits: SandboxLimits, sandbox: Sandbox
) -> None:
    neighbour = Sandbox(limits, nursery=nursery)
    own_folder = Path(str((await _facts(neighbour))["cwd"]))
    async with nursery.lend_folder() as lent:
        for folder in (own_folder, lent):
            secret = folder / "original"
            secret.write_text("of another document")

            others = task("open_others", file=str(secret), pid=os.getpid())
            result = await sandbox.run(others, on_progress=ignore)

            assert isinstance(result, Extracted)
            reachable = not nursery.is_confined
            assert result.metadata["read"] is result.metadata["write"] is reachable
            assert result.metadata["own"]
    await neighbour.close()


async def test_a_child_is_handed_the_files_of_its_task(nursery: Nursery, sandbox: Sandbox) -> None:
    async with nursery.lend_folder() as folder:
        paths = [folder / name for name in ("original", "texts", "0000001", "0000002")]
        for path in paths:
            path.write_text(path.name)
        files = {"input": paths[0], "texts": paths[1], "page_batches": tuple(paths[2:])}

        for _ in range(2):
            read = task("read_given").model_copy(update=files)
            result = await sandbox.run(read, on_progress=ignore)

            assert isinstance(result, Extracted)
            assert result.metadata["texts"] == [path.name for path in paths]
            assert result.metadata["folders"] == [result.metadata["cwd"]]
        assert [path.read_text() for path in paths] == [path.name for path in paths]


async def test_much_that_is_left_behind_is_removed_and_nothing_elsewhere(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "of-others").write_text("x")

    before = await sandbox.run(task("leave_much", elsewhere=str(tmp_path)), on_progress=ignore)
    after = await _facts(sandbox)

    assert isinstance(before, Extracted)
    assert after["files"] == []
    assert after["pid"] == before.metadata["pid"]
    assert (tmp_path / "of-others").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove everything")
async def test_a_child_goes_with_what_can_not_be_removed(sandbox: Sandbox) -> None:
    before = await sandbox.run(task("leave_what_stays"), on_progress=ignore)
    after = await _facts(sandbox)

    assert isinstance(before, Extracted)
    assert after["files"] == []
    assert after["pid"] != before.metadata["pid"]


async def test_the_folder_of_a_child_goes_with_it(sandbox: Sandbox) -> None:
    folder = Path(str((await _facts(sandbox))["cwd"]))
    assert folder.name in await asyncio.to_thread(os.listdir, folder.parent)

    await sandbox.close()

    assert folder.name not in await asyncio.to_thread(os.listdir, folder.parent)


async def test_the_memory_of_a_program_that_a_child_has_started_is_its_own(
    sandbox: Sandbox,
) -> None:
    await _facts(sandbox)
    alone, eaten = sandbox.peak_bytes, 100 * 1024 * 1024

    await sandbox.run(task("let_another_eat", bytes=eaten), on_progress=ignore)

    assert alone is not None
    assert sandbox.peak_bytes is not None
    assert sandbox.peak_bytes > alone + eaten


async def test_what_a_copy_of_a_child_shares_with_it_counts_once(sandbox: Sandbox) -> None:
    await _facts(sandbox)
    alone, held = sandbox.peak_bytes, 100 * 1024 * 1024

    await sandbox.run(task("be_copied", bytes=held), on_progress=ignore)

    assert alone is not None
    assert sandbox.peak_bytes is not None
    assert alone + held < sandbox.peak_bytes < alone + held * 3 // 2


async def test_a_child_reaches_no_network_where_the_kernel_allows_that(
    limits: SandboxLimits,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        environment = {"PYTHONPATH": str(REPOSITORY), "TEST_PORT": port}
        nursery = Nursery(stages=MISBEHAVING, environment=environment)
        await nursery.start()
        isolated = nursery.has_no_network
        sandbox = Sandbox(limits, nursery=nursery)
        facts = await _facts(sandbox)
        await sandbox.close()
        await nursery.close()

    assert facts["network"] is not isolated
