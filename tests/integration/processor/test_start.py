"""What holds a stage back is known before it picks anything."""

from contextlib import AsyncExitStack

import pytest

from docyard_common.database import Database
from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings, ObjectStoreSettings
from processor.app.parts import Parts
from processor.settings import ProcessorSettings

pytestmark = pytest.mark.integration


async def test_a_process_that_starts_knows_what_is_stopped_paused_or_away(
    database: Database,
    database_settings: DatabaseSettings,
    object_store_settings: ObjectStoreSettings,
) -> None:
    async with database.transaction() as tx:
        await tx.execute("insert into stopped_stages (stage, reason) values ('extract', 'a test')")
        await tx.execute(
            "insert into stage_slots (stage, slots, set_by) values ('analyze', 0, 'olga')"
        )
        await tx.execute(
            """
            insert into breakers (stage, dependency, state, failures, opened_at, retry_at)
            values ('index', 'database', 'open', 3, now(), now() + interval '1 hour')
            """
        )
    parts = Parts(ProcessorSettings(database=database_settings, object_store=object_store_settings))

    async with AsyncExitStack() as stack:
        await parts.open(stack)

        held = {stage for stage in Stage if not parts.holds.may_pick(stage)}
        assert held == {Stage.EXTRACT, Stage.INDEX}
        assert parts.slots[Stage.ANALYZE].count == 0
