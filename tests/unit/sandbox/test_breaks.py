"""A child that gives way is halted and goes on; none stays behind halted."""

import asyncio
from collections.abc import Callable

import psutil
import pytest
from tests.unit.sandbox.conftest import ignore, is_gone
from tests.unit.sandbox.misbehaving import task
from tests.waiting import eventually

from processor.sandbox.errors import ChildError, NoProgressError, TimeLimitError
from processor.sandbox.limits import SandboxLimits
from processor.sandbox.nursery import Nursery
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Extracted

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Break:
    """One long break, until it is over."""

    def __init__(self) -> None:
        self.halted, self.over = asyncio.Event(), asyncio.Event()

    async def __call__(self, halt: Callable[[], None], go_on: Callable[[], None]) -> None:
        halt()
        self.halted.set()
        await self.over.wait()
        go_on()


async def _child(sandbox: Sandbox) -> psutil.Process:
    result = await sandbox.run(task("tell_about_self"), on_progress=ignore)
    assert isinstance(result, Extracted)
    return psutil.Process(int(str(result.metadata["pid"])))


async def test_a_halted_child_does_nothing_and_goes_on_where_it_was(sandbox: Sandbox) -> None:
    child, taken = await _child(sandbox), Break()
    run = asyncio.create_task(
        sandbox.run(task("work", pages=500), on_progress=ignore, gives_way=taken)
    )
    await eventually(lambda: child.status() == psutil.STATUS_STOPPED)
    assert not run.done()

    taken.over.set()
    result = await run

    assert isinstance(result, Extracted)
    assert result.page_count == 500


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"no_progress_s": 2.0}, NoProgressError), ({"total_s": 2.0}, TimeLimitError)],
)
async def test_time_limits_count_only_what_a_child_was_let_work(
    nursery: Nursery, limits: SandboxLimits, changed: dict[str, float], reason: type[ChildError]
) -> None:
    sandbox = Sandbox(limits.model_copy(update=changed), nursery=nursery)
    taken, loop = Break(), asyncio.get_running_loop()
    run = asyncio.create_task(
        sandbox.run(task("loop_without_a_word"), on_progress=ignore, gives_way=taken)
    )
    # Let go within its limit, which comes later by that.
    began = loop.time()
    await taken.halted.wait()
    loop.call_later(0.2, taken.over.set)

    with pytest.raises(reason):
        await run

    assert loop.time() - began >= 2.1
    await sandbox.close()


async def test_a_run_that_is_cancelled_while_its_child_is_halted_ends_it(sandbox: Sandbox) -> None:
    child = await _child(sandbox)
    run = asyncio.create_task(
        sandbox.run(task("loop_with_ticks"), on_progress=ignore, gives_way=Break())
    )
    await eventually(lambda: child.status() == psutil.STATUS_STOPPED)

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert is_gone(child.pid)
