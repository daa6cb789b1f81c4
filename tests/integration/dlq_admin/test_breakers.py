"""Operators see which servers the stages do not ask, and say when to ask again."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.integration.dlq_admin.asking import ANN, OPERATOR
from tests.integration.dlq_admin.looking import sent

from dlq_admin.consumers.observer import Observer
from docyard_common.database import Database
from docyard_common.events import codec, topics
from docyard_common.events.observation import BreakerObserved, ProcessingObserved
from docyard_common.events.stages import Stage
from docyard_common.kafka.received import ReceivedRecord

pytestmark = pytest.mark.integration
BREAKERS = "/error-handling/circuit-breakers"
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def told(state: str, *, later_s: float = 0.0) -> ReceivedRecord:
    breaker = BreakerObserved(
        stage=Stage.EXTRACT, dependency="object_store", state=state, failures=3,
        opened_at=NOW, retry_at=NOW + timedelta(seconds=2),
    )  # fmt: skip
    observed = ProcessingObserved(
        observed_at=NOW + timedelta(seconds=later_s), window_s=300, stages=(), breakers=(breaker,)
    )
    record = codec.encode(observed, topic=topics.OBSERVATIONS, source="processor")
    headers = tuple(record.headers)
    return ReceivedRecord(topics.OBSERVATIONS, 0, 0, 0, record.key, record.value, headers)


async def test_breakers_are_shown_as_the_newest_observation_tells_them(
    client: httpx.AsyncClient, database: Database
) -> None:
    before = (await client.get(BREAKERS, headers=OPERATOR)).json()
    observer = Observer(database)
    await observer.apply([told("half_open", later_s=5), told("open")])
    await observer.apply([told("closed", later_s=1)])

    (shown,) = (await client.get(BREAKERS, headers=OPERATOR)).json()["items"]
    one = (await client.get(f"{BREAKERS}/extract.object_store", headers=OPERATOR)).json()
    unknown = await client.get(f"{BREAKERS}/extract.printer", headers=OPERATOR)

    assert before == {"items": []}
    assert shown == one
    assert (one["name"], one["state"], one["failures"]) == ("extract.object_store", "half_open", 3)
    assert one["retry_at"] == "2026-03-14T00:00:02Z"
    assert (unknown.status_code, unknown.json()["code"]) == (404, "BREAKER_NOT_FOUND")


async def test_a_breaker_is_reset_through_the_outbox(
    client: httpx.AsyncClient, database: Database
) -> None:
    await Observer(database).apply([told("open")])
    path = f"{BREAKERS}/extract.object_store/reset"

    answer = await client.post(path, headers=OPERATOR)
    forbidden = await client.post(path, headers=ANN)
    unknown = await client.post(f"{BREAKERS}/extract.printer/reset", headers=OPERATOR)

    (row,) = await sent(database)
    assert (answer.status_code, answer.json()["dependency"]) == (202, "object_store")
    assert (row["topic"], bytes(row["key"])) == ("commands", b"extract")
    assert (forbidden.status_code, unknown.status_code) == (403, 404)
