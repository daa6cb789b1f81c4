"""What clients see when the notifier is killed, stopped, or they read too slowly."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import pytest_asyncio
from tests.integration.notifier.life import Life
from tests.integration.notifier.running import (
    PATIENCE_S,
    Client,
    Notifier,
    Publisher,
    client,
    token,
)
from tests.waiting import eventually

from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings, KafkaSettings

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

FLOOD = 10_000
LONG = "x" * 1_000
"""With it, the flood is larger than what the kernel buffers for a connection."""


@pytest_asyncio.fixture(loop_scope="module")
async def mortal(kafka: KafkaSettings, database: DatabaseSettings) -> AsyncIterator[Notifier]:
    """A notifier that the test may end; it has little patience with slow readers."""
    limits = {
        "OUTBOX__MAX_AGE_S": "5",
        "OUTBOX__MAX_BYTES": str(64 * 1024 * 1024),
        "OUTBOX__MAX_MESSAGES": "100000",
    }
    async with Notifier(kafka, database, **limits) as running:
        yield running


async def test_after_a_kill_a_client_that_comes_back_with_since_has_missed_nothing(
    mortal: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    job = str(life.document_id)
    facts = [
        life.accepted(),
        *(fact for stage in Stage for fact in life.stage(stage)),
        life.completed(),
    ]
    async with client(mortal, owner) as ann:
        await ann.ask("subscribe", job_ids=[job])
        await publisher.publish(*facts[:3])
        heard = [await ann.hear() for _ in facts[:3]]
        await mortal.kill()
        await publisher.publish(*facts[3:7])
    await mortal.start()
    async with client(mortal, owner) as ann:
        await eventually(partial(_is_at, ann, job, facts[6].seq))
        answer = await ann.ask("subscribe", job_ids=[job], since={job: heard[-1]["seq"]})
        heard += answer["snapshot"]
        await publisher.publish(*facts[7:])
        heard += await ann.until("completed")

    assert answer["recovered"] is True
    assert [entry["seq"] for entry in heard] == [fact.seq for fact in facts]


async def test_at_a_graceful_end_every_client_is_sent_elsewhere(
    mortal: Notifier, owner: str
) -> None:
    async with client(mortal, owner) as one, client(mortal, owner) as other:
        ending = asyncio.create_task(mortal.terminate())
        codes = [await one.close_code(), await other.close_code()]

    assert codes == [4503, 4503]
    assert await ending == 0


async def test_a_reader_that_stops_is_closed_as_slow_and_delays_nobody(
    mortal: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with _stalled(mortal, owner) as slow, client(mortal, owner) as quick:
        for one in (slow, quick):
            await one.ask("subscribe", job_ids=[str(life.document_id)])
        facts = [life.retrying(Stage.EXTRACT, fence, LONG) for fence in range(1, FLOOD)]
        reading = asyncio.create_task(quick.until("completed"))
        draining = asyncio.create_task(_drained(mortal, slow))
        await publisher.publish(*facts, life.completed())
        heard = await reading

        assert await draining == 4508
    assert [message["seq"] for message in heard[:-1]] == [fact.seq for fact in facts]


async def test_who_has_missed_more_than_fits_is_told_the_newest_state_instead(
    kafka: KafkaSettings, database: DatabaseSettings, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    job = str(life.document_id)
    facts = [life.retrying(Stage.EXTRACT, fence, LONG) for fence in range(1, 100)]
    await publisher.publish(life.accepted(), *facts)
    async with (
        Notifier(kafka, database, OUTBOX__MAX_BYTES=str(64 * 1024)) as small,
        client(small, owner) as ann,
    ):
        await eventually(partial(_is_at, ann, job, facts[-1].seq))
        answer = await ann.ask("subscribe", job_ids=[job], since={job: 0})
        few = await ann.ask("subscribe", job_ids=[job], since={job: facts[-3].seq})

    assert (answer["recovered"], [entry["seq"] for entry in answer["snapshot"]]) == (
        False,
        [facts[-1].seq],
    )
    assert (few["recovered"], len(few["snapshot"])) == (True, 2)


async def _is_at(one: Client, job: str, seq: int) -> bool:
    return bool((await one.ask("get_job_status", job_id=job)).get("seq") == seq)


async def _drained(notifier: Notifier, slow: Client) -> int:
    """Return its code, read as soon as it is closed: the server soon gives up the handshake."""
    # One for all looks: to make one takes time, which the quick reader would miss.
    async with httpx.AsyncClient(base_url=notifier.url, timeout=PATIENCE_S) as http:
        await eventually(partial(_has_closed, http, 4508))
    return await slow.close_code()


async def _has_closed(http: httpx.AsyncClient, code: int) -> bool:
    answer = await http.get("/metrics")
    return f'docyard_ws_closes_total{{code="{code}"}}' in answer.text


@asynccontextmanager
async def _stalled(notifier: Notifier, owner: str) -> AsyncIterator[Client]:
    """A client that reads nothing unless asked to, behind small buffers."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)  # noqa: FBT003 - the name says it
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", notifier.port))
        # It would see no answer to its pings, and close by itself.
        quiet = notifier.socket(sock=raw, max_queue=1, ping_interval=None)
        async with quiet as connection:
            one = Client(connection)
            await one.ask("connect", token=token(owner))
            yield one
