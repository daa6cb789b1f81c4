"""A background task that ends by itself ends the process."""

import asyncio

import pytest
from fastapi import FastAPI

from docyard_common.http import background, process_of


async def forever() -> None:
    await asyncio.Event().wait()


async def test_tasks_run_while_the_block_runs_and_are_cancelled_after(app: FastAPI) -> None:
    ended = asyncio.Event()

    async def relay() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async with background(app, relay=relay()):
        await asyncio.sleep(0)
        assert not ended.is_set()

    assert ended.is_set()
    assert not process_of(app).stopping.is_set()


@pytest.mark.parametrize("error", [None, RuntimeError("died")])
async def test_a_task_that_ends_fails_the_process(app: FastAPI, error: RuntimeError | None) -> None:
    async def relay() -> None:
        if error:
            raise error

    async with background(app, relay=relay(), other=forever()):
        async with asyncio.timeout(5):
            await process_of(app).stopping.wait()

    assert process_of(app).failed


async def test_the_error_of_the_block_is_not_hidden(app: FastAPI) -> None:
    with pytest.raises(RuntimeError, match="block"):
        async with background(app, relay=forever()):
            raise RuntimeError("block")
