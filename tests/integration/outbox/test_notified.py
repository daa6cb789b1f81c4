"""A relay rests once it has heard everything, however many notifications came while it worked."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.rows import dict_row

from docyard_common.database.pool import Transaction
from docyard_common.outbox.notified import notified
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration


@pytest.fixture
async def connections(
    database_settings: DatabaseSettings,
) -> AsyncIterator[tuple[Transaction, Transaction]]:
    """Yield one that listens and one that notifies."""
    url = database_settings.url.get_secret_value()
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as ear,
        await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as mouth,
    ):
        await ear.execute("listen outbox_heard")
        yield ear, mouth


async def test_all_that_was_heard_during_other_statements_is_taken_at_once(
    connections: tuple[Transaction, Transaction],
) -> None:
    ear, mouth = connections
    for _ in range(50):
        await mouth.execute("notify outbox_heard")
    await ear.execute("select 1")

    assert await notified(ear, within_s=60) == 50
    assert await notified(ear, within_s=0.2) == 0


async def test_what_comes_after_an_idle_wait_is_heard(
    connections: tuple[Transaction, Transaction],
) -> None:
    ear, mouth = connections
    assert await notified(ear, within_s=0.01) == 0
    await mouth.execute("notify outbox_heard")

    assert await notified(ear, within_s=60) == 1


async def test_what_has_come_is_taken_without_waiting(
    connections: tuple[Transaction, Transaction],
) -> None:
    ear, mouth = connections
    assert await notified(ear, within_s=0) == 0
    for _ in range(50):
        await mouth.execute("notify outbox_heard")
    await ear.execute("select 1")

    assert await notified(ear, within_s=0) == 50
    assert await notified(ear, within_s=0) == 0
