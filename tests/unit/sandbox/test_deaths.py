"""Each way a document can end its child has a reason of its own, and hurts nobody else."""

import asyncio
import os
import signal

import psutil
import pytest
from tests.unit.sandbox.conftest import ignore, is_gone
from tests.unit.sandbox.misbehaving import task
from tests.waiting import eventually

from docyard_common.errors import FailureReason, PermanentError, RetryableError
from processor.sandbox.errors import ChildCrashedError, UnforeseenStageError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted, PagesReady, Progress

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _pid(sandbox: Sandbox) -> int:
    result = await sandbox.run(task("tell_about_self"), on_progress=ignore)
    assert isinstance(result, Extracted)
    return int(result.metadata["pid"])


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        ("eat_memory_slowly", FailureReason.MEMORY_LIMIT, "memory"),
        ("eat_memory_at_once", FailureReason.MEMORY_LIMIT, "memory"),
        ("segfault", FailureReason.CHILD_CRASHED, "SIGSEGV"),
        ("abort", FailureReason.CHILD_CRASHED, "SIGABRT"),
        ("exit", FailureReason.CHILD_CRASHED, "code"),
        ("flood", FailureReason.CHILD_CRASHED, "message of"),
        ("write_nonsense", FailureReason.CHILD_CRASHED, "may not"),
    ],
)
async def test_a_death_is_told_by_its_reason_and_the_next_run_works(
    sandbox: Sandbox, behaviour: str, reason: FailureReason, words: str
) -> None:
    before = await _pid(sandbox)

    with pytest.raises(RetryableError, match=words) as died:
        await sandbox.run(task(behaviour), on_progress=ignore)

    assert died.value.reason is reason
    assert is_gone(before)
    assert await _pid(sandbox) != before


async def test_memory_of_a_program_that_a_child_has_started_counts_as_its_own(
    sandbox: Sandbox,
) -> None:
    before = await _pid(sandbox)

    # Beyond the limit of a document, and within the address space that each process may have.
    with pytest.raises(RetryableError, match="memory") as died:
        await sandbox.run(task("let_another_eat", bytes=270 * 1024**2), on_progress=ignore)

    assert died.value.reason is FailureReason.MEMORY_LIMIT
    assert is_gone(before)


@pytest.mark.parametrize(
    ("behaviour", "changed", "reason"),
    [
        ("loop_without_a_word", {"no_progress_s": 2}, FailureReason.NO_PROGRESS),
        ("loop_with_ticks", {"total_s": 4, "no_progress_s": 2}, FailureReason.TIMEOUT),
        ("burn_cpu", {"cpu_s": 1}, FailureReason.TIMEOUT),
    ],
)
async def test_endless_work_is_ended(
    nursery: Nursery,
    limits: SandboxLimits,
    behaviour: str,
    changed: dict[str, float],
    reason: FailureReason,
) -> None:
    others = set(psutil.Process(nursery.pid).children())
    sandbox = Sandbox(limits.model_copy(update=changed), nursery=nursery)
    await sandbox.start()
    (child,) = set(psutil.Process(nursery.pid).children()) - others

    with pytest.raises(RetryableError) as died:
        await sandbox.run(task(behaviour), on_progress=ignore)

    assert died.value.reason is reason
    assert is_gone(child.pid)
    await sandbox.close()


async def test_a_document_at_fault_leaves_the_child_alive(sandbox: Sandbox) -> None:
    before = await _pid(sandbox)

    with pytest.raises(PermanentError, match="password") as refused:
        await sandbox.run(task("be_encrypted"), on_progress=ignore)

    assert refused.value.reason is FailureReason.ENCRYPTED_DOCUMENT
    assert await _pid(sandbox) == before


async def test_a_bug_in_a_stage_comes_with_its_stack_and_a_fresh_child(sandbox: Sandbox) -> None:
    before = await _pid(sandbox)

    with pytest.raises(UnforeseenStageError, match="ZeroDivisionError: a bug of ours") as failed:
        await sandbox.run(task("raise"), on_progress=ignore)

    assert "misbehaving.py" in failed.value.stack
    assert await _pid(sandbox) != before


@pytest.mark.parametrize("behaviour", ["loop_with_ticks", "ignore_sigterm"])
async def test_cancelling_a_run_kills_its_child(sandbox: Sandbox, behaviour: str) -> None:
    before = await _pid(sandbox)
    started = asyncio.Event()

    async def on_progress(_progress: Progress) -> None:
        started.set()

    run = asyncio.create_task(sandbox.run(task(behaviour), on_progress=on_progress))
    await started.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert is_gone(before)
    assert await _pid(sandbox) != before


async def test_a_failing_callback_ends_the_run_and_its_child(sandbox: Sandbox) -> None:
    before = await _pid(sandbox)

    async def on_pages(_batch: PagesReady) -> None:
        raise TimeoutError("the store is slow")

    with pytest.raises(TimeoutError, match="the store is slow"):
        await sandbox.run(task("work"), on_progress=ignore, on_pages=on_pages)

    assert is_gone(before)


async def test_the_nursery_comes_back_after_its_server_was_killed(
    nursery: Nursery, sandbox: Sandbox
) -> None:
    before = await _pid(sandbox)
    assert nursery.pid is not None
    run = asyncio.create_task(sandbox.run(task("loop_with_ticks"), on_progress=ignore))

    os.kill(nursery.pid, signal.SIGKILL)
    with pytest.raises(ChildCrashedError):
        await run

    await eventually(lambda: is_gone(before))
    assert await _pid(sandbox) != before
