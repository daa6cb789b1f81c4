"""Snapshot and stream are one: whenever somebody subscribes, on whatever replica."""

import asyncio
import random
from typing import Any

import pytest
from tests.integration.notifier.life import Life
from tests.integration.notifier.running import Notifier, Publisher, client

from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings, KafkaSettings

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

DOCUMENTS = 20
SUBSCRIBERS = 20


async def test_no_subscriber_of_two_replicas_misses_a_state_change(
    kafka: KafkaSettings, database: DatabaseSettings, publisher: Publisher, owner: str
) -> None:
    lives = [Life(owner) for _ in range(DOCUMENTS)]
    forgetful = {"HISTORY__RECENT_S": "0.05"}
    async with (
        Notifier(kafka, database, **forgetful) as one,
        Notifier(kafka, database, **forgetful) as other,
    ):
        watching = [
            asyncio.create_task(_watch(random.choice([one, other]), lives, owner))
            for _ in range(SUBSCRIBERS)
        ]
        await asyncio.gather(*(_live(publisher, life) for life in lives))
        seen = await asyncio.gather(*watching)

    for of_subscriber in seen:
        for life in lives:
            first, *following = of_subscriber[str(life.document_id)]
            expected = [fact.seq for fact in _facts(life) if fact.seq > first]
            assert following == expected


async def _watch(notifier: Notifier, lives: list[Life], owner: str) -> dict[str, list[int]]:
    """Subscribe at some moment and return the positions that were told, per document."""
    async with client(notifier, owner) as one:
        await asyncio.sleep(random.uniform(0, 2))
        seen: dict[str, list[int]] = {str(life.document_id): [] for life in lives}
        answer = await one.ask("subscribe", job_ids=list(seen))
        ended: set[str] = set()
        messages: list[dict[str, Any]] = answer["snapshot"]
        while True:
            for message in messages:
                seen[message["job_id"]].append(message["seq"])
                if message["data"]["state"] == "completed":
                    ended.add(message["job_id"])
            if len(ended) == len(lives):
                return seen
            messages = [await one.hear()]


async def _live(publisher: Publisher, life: Life) -> None:
    for event in _facts(life):
        await publisher.publish(event)
        if random.random() < 0.5:
            await asyncio.sleep(random.uniform(0, 0.4))


def _facts(life: Life) -> list[DocumentEvent]:
    return [
        life.accepted(),
        *(fact for stage in Stage for fact in life.stage(stage)),
        life.completed(),
    ]
