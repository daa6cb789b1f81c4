"""API keys at the live door: a machine follows its documents by them until they are revoked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio
from tests.integration.notifier.life import Life
from tests.integration.notifier.running import PATIENCE_S, Client, Notifier, Publisher

from docyard_common.api_keys import ApiKey, NewApiKey, PostgresApiKeys, make, migrate_access
from docyard_common.database import Database
from docyard_common.ids import uuid7
from docyard_common.settings import DatabaseSettings

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keys(database: DatabaseSettings) -> AsyncIterator[PostgresApiKeys]:
    await migrate_access(database)
    pool = Database(database, schema="access", application_name="test")
    await pool.open()
    yield PostgresApiKeys(pool)
    await pool.close()


async def made(keys: PostgresApiKeys, owner: str) -> NewApiKey:
    key = make(uuid7())
    now = datetime.now(UTC)
    await keys.add(
        ApiKey(key.key_id, "scanner", owner, ("user",), key.secret_sha256, now, "ada", None)
    )
    return key


async def test_a_key_opens_the_socket_until_it_is_revoked(
    notifier: Notifier, publisher: Publisher, keys: PostgresApiKeys, owner: str
) -> None:
    key, life = await made(keys, owner), Life(owner)
    async with notifier.socket() as socket:
        machine = Client(socket)
        connected = await machine.ask("connect", token=key.text)
        await machine.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.publish(life.accepted(), life.completed())
        heard = await machine.until("completed")
    assert connected["type"] == "connected"
    assert heard[-1]["job_id"] == str(life.document_id)

    await keys.revoke(key.key_id, at=datetime.now(UTC))

    async with notifier.socket() as socket:
        late = Client(socket)
        await late.say("connect", token=key.text)
        assert await late.close_code() == 4401


async def test_a_socket_that_is_open_can_not_go_on_by_a_revoked_key(
    notifier: Notifier, keys: PostgresApiKeys, owner: str
) -> None:
    key = await made(keys, owner)
    async with notifier.socket() as socket:
        machine = Client(socket)
        await machine.ask("connect", token=key.text)
        await keys.revoke(key.key_id, at=datetime.now(UTC))
        refused = await machine.ask("refresh", token=key.text)

    assert (refused["type"], refused["code"]) == ("error", "TOKEN_INVALID")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_opens_the_event_stream_until_it_is_revoked(
    notifier: Notifier, publisher: Publisher, keys: PostgresApiKeys, owner: str, header: str
) -> None:
    key, life = await made(keys, owner), Life(owner)
    await publisher.publish(life.accepted(), life.completed())
    headers = {header: f"Bearer {key.text}" if header == "Authorization" else key.text}
    path = f"/api/v1/documents/{life.document_id}/events/stream"

    async with httpx.AsyncClient(base_url=notifier.url, timeout=PATIENCE_S) as http:
        async with http.stream("GET", path, headers=headers) as opened:
            assert opened.status_code == 200
        await keys.revoke(key.key_id, at=datetime.now(UTC))
        refused = await http.get(path, headers=headers)

    assert (refused.status_code, refused.json()["code"]) == (401, "TOKEN_INVALID")
