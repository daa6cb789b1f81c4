"""Ctrl-C while the other thread is just being told what to run."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from anyio.from_thread import start_blocking_portal

from docyard.synchronous.running import Runner


@pytest.mark.timeout(15)
@pytest.mark.parametrize("was_told", [True, False])
def test_an_interrupt_while_a_call_is_handed_over_ends_it(
    monkeypatch: pytest.MonkeyPatch, *, was_told: bool
) -> None:
    closed = list[str]()

    async def items() -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 1
        finally:
            closed.append("items")

    with start_blocking_portal() as portal:
        tell: Callable[..., object] = portal.start_task_soon

        def interrupted(*call: object) -> None:
            monkeypatch.undo()
            if was_told:
                tell(*call)
            raise KeyboardInterrupt

        monkeypatch.setattr(portal, "start_task_soon", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(Runner(portal).iterate(items()))

    assert closed == (["items"] if was_told else [])
