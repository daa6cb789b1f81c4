"""What other processes say reaches the stages of this one; what is for others is left alone."""

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

import pytest

from docyard_common.database import Database
from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings
from docyard_common.work.schema import CHANNEL
from processor.listener import Listener

pytestmark = pytest.mark.integration


async def test_work_of_a_stage_that_runs_elsewhere_is_no_surprise(
    database: Database, database_settings: DatabaseSettings, caplog: pytest.LogCaptureFixture
) -> None:
    listening, woken = asyncio.Event(), asyncio.Event()

    async def loaded() -> None:
        listening.set()

    def cancelled(document_id: UUID) -> None:
        raise AssertionError(document_id)

    listener = Listener(
        database_settings, schema="processor", wake={Stage.VALIDATE: woken.set},
        cancel=cancelled, reload_holds=loaded,
    )  # fmt: skip
    task = asyncio.create_task(listener.run())
    async with asyncio.timeout(60):
        await listening.wait()
        with caplog.at_level(logging.WARNING):
            async with database.transaction() as tx:
                for said in ("work:index", "work:of another release", "work:validate"):
                    await tx.execute("select pg_notify(%s, %s)", (CHANNEL, said))
            await woken.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert [record.message for record in caplog.records] == []
