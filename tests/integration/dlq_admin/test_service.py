"""The service over real Kafka and PostgreSQL, killed and stopped like in the field."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.dlq_admin.looking import fact
from tests.integration.dlq_admin.service import Service, put, take
from tests.unit.dlq_admin.letters import NOON, dead, work
from tests.waiting import eventually

from docyard_common.delivery.headers import original, replay_of
from docyard_common.events.documents import StageFinished
from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings, KafkaSettings

pytestmark = pytest.mark.integration

BASE = "/api/v1/dlq"
TARGET = "work.extract.high"


@pytest.fixture
def start(
    tmp_path: Path, kafka_settings: KafkaSettings, database_settings: DatabaseSettings
) -> Iterator[Callable[[], Service]]:
    started: list[Service] = []

    def another() -> Service:
        log = tmp_path / f"{len(started)}.log"
        started.append(Service(log, kafka_settings, database_settings))
        return started[-1]

    yield another
    for service in started:
        if service.process.poll() is None:
            service.kill()


async def get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    answer.raise_for_status()
    return answer.json()


async def until_entries(client: httpx.AsyncClient, count: int, *, state: str) -> None:
    async def there() -> bool:
        page = await get(client, f"{BASE}/entries?limit=200&state={state}")
        return len(page["items"]) == count

    await eventually(there)


async def test_a_dead_letter_is_found_replayed_and_resolved_by_the_later_success(
    start: Callable[[], Service], kafka_settings: KafkaSettings
) -> None:
    """What fails is found by a person, sent again as it came, and only a success closes it."""
    service = start()
    event = work()
    letter = dead(event)
    async with service.ready() as client:
        await put(kafka_settings, letter)
        await until_entries(client, 1, state="open")
        (entry,) = (await get(client, f"{BASE}/entries"))["items"]

        placed = await client.post(f"{BASE}/replays", json={"entry_ids": [entry["id"]]})
        (record,) = await take(kafka_settings, TARGET, 1)
        assert (record.key, record.value) == (letter.key, letter.value)
        assert original(record.headers) == original(letter.headers)
        replay = replay_of(record.headers)
        assert replay is not None
        assert str(replay.replay_id) == placed.json()["id"]
        await until_entries(client, 1, state="replayed")

        finished = StageFinished(
            document_id=event.document_id,
            owner="ann",
            generation=1,
            seq=event.seq + 5,
            stage=Stage.EXTRACT,
            attempt=1,
            at=NOON,
            duration_s=1,
        )
        await put(kafka_settings, fact(finished))
        await until_entries(client, 1, state="resolved")
        detail = await get(client, f"{BASE}/entries/{entry['id']}")
        assert [one["result"] for one in detail["replays"]] == ["resolved"]
    assert service.stop() == 0


async def test_a_replay_survives_kill_9_and_skips_nobody(
    start: Callable[[], Service], kafka_settings: KafkaSettings
) -> None:
    """Killed in the middle of a replay, the service goes on with it: every entry is sent."""
    letters = [dead() for _ in range(30)]
    first = start()
    async with first.ready() as client:
        await put(kafka_settings, *letters)
        await until_entries(client, 30, state="open")
        order = {"filter": {"stage": "extract"}, "reason": "fixed", "rate_per_s": 5}
        placed = (await client.post(f"{BASE}/replays", json=order)).json()
        path = f"{BASE}/replays/{placed['id']}"

        async def begun() -> bool:
            return bool((await get(client, path))["moved"])

        await eventually(begun)
        first.kill()

    second = start()
    async with second.ready() as client:

        async def over() -> bool:
            return bool((await get(client, path))["status"] == "completed")

        await eventually(over)
        done = await get(client, path)
    assert (done["moved"], done["skipped"], done["failed"]) == (30, {}, 0)
    records = await take(kafka_settings, TARGET, 30)
    assert {record.key for record in records} == {letter.key for letter in letters}
    assert second.stop() == 0
