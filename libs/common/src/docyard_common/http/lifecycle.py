"""The life of a service process: when it ends, why, and what runs in its background."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from docyard_common.observability import metrics

logger = logging.getLogger(__name__)


class Process:
    """Says that the process is to end; `serve` acts on it."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """Set when the process is to end: streams watch it, so that they end in time."""
        self.failed = False

    def stop(self) -> None:
        """End gracefully, exit code 0."""
        self.stopping.set()

    def fail(self) -> None:
        """End gracefully, exit code 1: the supervisor starts anew."""
        self.failed = True
        self.stopping.set()


def keep_for_good() -> None:
    """Tell the garbage collector that what is loaded now stays: it looks at the rest alone.

    Else each full collection walks through every module, route and model, and the event loop
    stands still meanwhile: 80 ms at a time, and more where others want the processor.
    """
    gc.collect()
    gc.freeze()


def process_of(app: FastAPI) -> Process:
    """Return the process that *app* runs in."""
    process: Process = app.state.process
    return process


@asynccontextmanager
async def background(app: FastAPI, **tasks: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *tasks* while the block runs, and cancel them at its end.

    None of them may end by itself: one that does, with or without an error, fails the process.
    """
    process = process_of(app)
    running = [
        asyncio.create_task(_watched(name, task, process), name=name)
        for name, task in tasks.items()
    ]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for coroutine in tasks.values():
            coroutine.close()  # one that was cancelled before it began would complain


async def _watched(name: str, task: Coroutine[Any, Any, None], process: Process) -> None:
    try:
        await task
        logger.error("background.ended", extra={"task": name})
    except Exception:
        logger.exception("background.died", extra={"task": name})
    metrics.BACKGROUND_DEATHS.labels(name).inc()
    process.fail()
