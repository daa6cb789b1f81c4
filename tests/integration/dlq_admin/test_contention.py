import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from tests.integration.dlq_admin.conftest import Hands
from tests.integration.dlq_admin.looking import ALL, fact, order, rows, sent
from tests.meeting import meet
from tests.unit.dlq_admin.letters import NOON, dead, death, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.resolver import Resolver
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from docyard_common.database import Database
from docyard_common.delivery.headers import Replay, replay_of
from docyard_common.events.documents import DocumentDeleted, StageFinished
from docyard_common.events.stages import Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox

pytestmark = pytest.mark.integration

Act: TypeAlias = Callable[[], Awaitable[object]]
DOCUMENTS = 12
UNLUCKY = 3
"""Documents that never succeed: whoever is quick, there is something to replay."""
ROUNDS = 15
OPPOSED = [UUID(int=2**64 + 2), UUID(int=2**65 + 1)]
"""Whose ids have another order than their locks."""


def finished(document_id: UUID, seq: int) -> ReceivedRecord:
    return fact(
        StageFinished(
            document_id=document_id,
            owner="ann",
            generation=1,
            seq=seq,
            stage=Stage.EXTRACT,
            attempt=1,
            at=NOON,
            duration_s=1,
        )
    )


def deleted(document_id: UUID) -> ReceivedRecord:
    return fact(
        DocumentDeleted(document_id=document_id, owner="ann", generation=1, seq=20, deleted_at=NOON)
    )


def what_was_sent(row: dict[str, Any]) -> tuple[bytes, Replay | None]:
    headers = tuple(
        zip((name.decode() for name in row["header_names"]), row["header_values"], strict=True)
    )
    return row["key"], replay_of(headers)


class Crowd:
    """Everybody who works on the same few documents at once."""

    def __init__(
        self, indexer: Indexer, resolver: Resolver, orders: Orders, *, hands: Hands
    ) -> None:
        self._indexer = indexer
        self._resolver = resolver
        self._orders = orders
        self._hands = hands
        self._chance = random.Random(7)
        self._events = [work(seq=10) for _ in range(DOCUMENTS)]

    async def die(self) -> None:
        for minute in range(ROUNDS):
            chosen = self._chance.sample(self._events, 6)
            await self._indexer.apply([dead(event, of=death(minute)) for event in chosen])

    async def succeed(self) -> None:
        for _ in range(ROUNDS):
            chosen = self._chance.sample(self._events[UNLUCKY:], 6)
            await self._resolver.apply([finished(event.document_id, 20) for event in chosen])

    async def order(self) -> None:
        for _ in range(ROUNDS):
            await self.order_once()

    async def order_once(self) -> None:
        await self._orders.place(order(where=ALL, rate_per_s=100.0))

    async def move(self, runner: Runner) -> None:
        for _ in range(ROUNDS):
            await runner.tick()
            self._hands.time += timedelta(seconds=1)


async def test_everybody_at_once_waits_for_nobody_in_a_circle_and_sends_nothing_twice(
    database: Database, indexer: Indexer, resolver: Resolver, orders: Orders, hands: Hands
) -> None:
    """Indexer, resolver, operators and two runners work on the same entries: no deadlock, and a
    replay sends an entry once.
    """
    crowd = Crowd(indexer, resolver, orders, hands=hands)
    outbox = Outbox(source="dlq-admin")
    one, two = (Runner(database, outbox=outbox, clock=hands, owner=name) for name in ("1", "2"))

    await asyncio.gather(
        *(crowd.die(), crowd.die(), crowd.succeed()),
        *(crowd.order(), crowd.order(), crowd.move(one), crowd.move(two)),
    )
    await crowd.order_once()
    hands.time += timedelta(minutes=1)
    while await one.tick():
        pass

    replays = await rows(database, "select * from replays")
    out = await sent(database)
    assert {row["status"] for row in replays} == {"completed"}
    assert 0 < len(out) == sum(row["moved"] for row in replays)
    assert max(Counter(map(what_was_sent, out)).values()) == 1
    assert [row["matched"] for row in replays] == [
        row["moved"] + row["failed"] + sum(row["skipped"].values()) for row in replays
    ]


@pytest.mark.parametrize("who", ["indexer", "resolver", "runner"])
async def test_whoever_works_on_several_documents_takes_their_locks_in_the_order_of_all(
    who: str,
    database: Database,
    indexer: Indexer,
    resolver: Resolver,
    orders: Orders,
    runner: Runner,
) -> None:
    events = [work(document_id, seq=10) for document_id in OPPOSED]
    await indexer.apply([dead(event, of=death()) for event in events])
    await orders.place(order(where=ALL, rate_per_s=100.0))
    acts: dict[str, Act] = {
        "indexer": lambda: indexer.apply([dead(event, of=death(1)) for event in events]),
        "resolver": lambda: resolver.apply([deleted(each) for each in OPPOSED]),
        "runner": runner.tick,
    }

    await meet(database, OPPOSED, acts[who])
