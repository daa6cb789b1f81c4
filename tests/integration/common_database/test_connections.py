"""Connections notice that nobody is at the other end, and a limit is no server that is away."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from docyard_common.database import Database, migrate
from docyard_common.database.pool import connection_arguments
from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration

HALF_A_MINUTE_MS = 30_000
OFTEN_ENOUGH_TO_BE_PREPARED = 10
REVISION = '''
"""Writes down how long what is sent over its own connection may stay unanswered."""
import socket
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    with socket.socket(fileno=driver.fileno()) as peer:
        limit_ms = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        alive = peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle_s = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        peer.detach()
    op.execute(f"create table peer as select {limit_ms} as limit_ms, {alive * idle_s} as idle_s")
'''


@pytest.fixture
def silent() -> Iterator[DatabaseSettings]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        yield DatabaseSettings(url=SecretStr(f"postgresql://nobody@127.0.0.1:{port}/nothing"))


async def test_what_is_sent_to_a_dead_peer_fails_within_half_a_minute(
    database_settings: DatabaseSettings,
) -> None:
    arguments = connection_arguments(database_settings, schema="public", name="test")
    async with await psycopg.AsyncConnection.connect(**arguments) as connection:
        peer = socket.socket(fileno=connection.fileno())
        limit_ms = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        peer.detach()

    assert 0 < limit_ms < HALF_A_MINUTE_MS


async def test_migrations_notice_a_dead_peer_as_everybody_does(
    database_settings: DatabaseSettings, tmp_path: Path
) -> None:
    (tmp_path / "0001_peer.py").write_text(REVISION)

    await migrate(database_settings, schema="peers", locations=tmp_path)

    url = database_settings.url.get_secret_value()
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("select limit_ms, idle_s from peers.peer")
        row = await cursor.fetchone()
    assert row is not None
    limit_ms, idle_s = row
    assert 0 < limit_ms < HALF_A_MINUTE_MS
    assert 0 < idle_s < HALF_A_MINUTE_MS / 1000


async def test_a_start_does_not_hang_where_nobody_answers(
    silent: DatabaseSettings, tmp_path: Path
) -> None:
    (tmp_path / "0001_peer.py").write_text(REVISION)

    async with asyncio.timeout(HALF_A_MINUTE_MS / 1000):
        with pytest.raises(DependencyUnavailableError):
            await migrate(silent, schema="peers", locations=tmp_path)


async def test_what_is_too_large_for_postgresql_is_no_server_that_is_away(
    database_settings: DatabaseSettings,
) -> None:
    database = Database(database_settings, schema="public", application_name="test")
    await database.open()
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        async with database.transaction() as tx:
            await tx.execute("select repeat('xx', 2000000000)")
    await database.close()


async def test_a_statement_prepared_before_a_migration_may_be_run_again(
    database_settings: DatabaseSettings,
) -> None:
    """A replica of the release before goes on beside a migration that adds a column."""
    one = database_settings.model_copy(update={"pool_min": 1, "pool_max": 1})
    database = Database(one, schema="public", application_name="test")
    await database.open()

    async def read() -> None:
        async with database.transaction() as tx:
            await tx.execute("select * from migrated")

    async with database.transaction() as tx:
        await tx.execute("create table migrated (a int)")
    for _ in range(OFTEN_ENOUGH_TO_BE_PREPARED):
        await read()
    url = database_settings.url.get_secret_value()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("alter table migrated add column b int")

    with pytest.raises(DependencyUnavailableError):
        await read()
    await read()
    async with database.transaction() as tx:
        await tx.execute("drop table migrated")
    await database.close()
