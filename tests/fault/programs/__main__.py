"""`python -m tests.fault.programs CHANGE…`: the processor with those changes, until SIGTERM."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.outbox.relay import Relay
from docyard_common.search import postgres as search_postgres
from docyard_common.search.graph_writing import insert_graph
from docyard_common.storage import MinioObjectStore
from docyard_common.work import picking, settling
from processor.__main__ import main
from processor.app import parts
from processor.sandbox.nursery import Nursery


def slow() -> None:
    """Stages of `tests.fault.programs.stages`, in real children."""
    _work_on("tests.fault.programs.stages")


def fragile() -> None:
    """Children whose pdfium dies of every file that it opens."""
    _work_on("tests.fault.programs.fragile")


def _work_on(stages: str) -> None:
    def nursery(environment: Mapping[str, str]) -> Nursery:
        where = {**environment, "PYTHONPATH": str(Path.cwd())}
        return Nursery(stages=stages, environment=where)

    setattr(parts, "Nursery", nursery)  # noqa: B010 - a name the module does not export


def early_commit() -> None:
    """Defect: offsets are committed before the rows are written."""

    handle = BatchConsumer._handle  # noqa: SLF001

    async def early(self: BatchConsumer, subscription: Any, batch: Sequence[Any]) -> None:
        for known, subscriber in self._subscribers:
            if known is subscription:
                await subscriber.consumer.commit()
        if batch[0].topic.startswith("work."):
            await _stay_once()
        await handle(self, subscription, batch)

    BatchConsumer._handle = early  # type: ignore[method-assign]  # noqa: SLF001


def no_fence() -> None:
    """Defect: a run that lost its lease is not told so, and finishes all the same."""
    renew = picking.renew

    async def deaf(*arguments: Any, **terms: Any) -> list[Any]:
        await renew(*arguments, **terms)
        return []

    picking.renew = deaf

    def believe(self: settling.Hold) -> None:
        del self

    settling.Hold.confirm = believe  # type: ignore[method-assign]


def hasty_relay() -> None:
    """Defect: outbox rows are deleted before Kafka has acknowledged them."""
    carry = Relay._carry  # noqa: SLF001

    async def hasty(self: Relay, connection: Any, producer: Any, rows: Sequence[Any]) -> None:
        ids = [row["id"] for row in rows]
        await connection.execute("delete from outbox where id = any(%s)", (ids,))
        # A fact that is lost may be one that nobody misses; work is missed.
        if any(row["topic"].startswith("work.") for row in rows):
            await _stay_once()
        await carry(self, connection, producer, rows)

    Relay._carry = hasty  # type: ignore[method-assign]  # noqa: SLF001


def stuck_copy() -> None:
    """The first object of a result that is taken over is copied, and then nothing happens."""
    copy = MinioObjectStore.copy

    async def stuck(self: MinioObjectStore, source: str, target: str) -> None:
        await copy(self, source, target)
        await asyncio.Event().wait()

    MinioObjectStore.copy = stuck  # type: ignore[method-assign]


def stuck_in_index() -> None:
    """Chunks and graph of a document are written, not committed, and then nothing happens."""

    async def stuck(*arguments: Any) -> None:
        await insert_graph(*arguments)
        await _tell_and_stay()

    setattr(search_postgres, "insert_graph", stuck)  # noqa: B010 - a name it does not export


def stuck_after_index() -> None:
    """A document can be found, and its run never ends."""
    _stay_after("replace")


def stuck_in_reembedding() -> None:
    """Some chunks are embedded again, others are not, and then nothing happens."""
    _stay_after("embed_again")


def _stay_after(method: str) -> None:
    """Let the search index do what *method* does once, and stay there."""
    done = getattr(search_postgres.PostgresSearchIndex, method)

    async def stuck(*arguments: Any, **options: Any) -> None:
        await done(*arguments, **options)
        await _tell_and_stay()

    setattr(search_postgres.PostgresSearchIndex, method, stuck)


async def _stay_once() -> None:
    """Be killed here, and not again by a process that is started after that."""
    if not await asyncio.to_thread(Path(os.environ["STUCK_FILE"]).exists):
        await _tell_and_stay()


async def _tell_and_stay() -> None:
    await asyncio.to_thread(Path(os.environ["STUCK_FILE"]).touch)
    await asyncio.Event().wait()


CHANGES: dict[str, Callable[[], None]] = {
    change.__name__: change
    for change in (
        slow,
        fragile,
        early_commit,
        no_fence,
        hasty_relay,
        stuck_copy,
        stuck_in_index,
        stuck_after_index,
        stuck_in_reembedding,
    )
}

if __name__ == "__main__":
    for name in sys.argv[1:]:
        CHANGES[name]()
    main()
