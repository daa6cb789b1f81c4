"""Operators change how many documents a stage works on at once, while it works."""

from datetime import UTC, datetime

import pytest

from docyard_common.database import Database
from docyard_common.events import codec, topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageSlotsRequested
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from processor.commands import Commands
from processor.holds import Holds

pytestmark = pytest.mark.integration


def wanted(slots: int | None) -> ReceivedRecord:
    command = StageSlotsRequested(
        stage=Stage.EXTRACT, slots=slots, requested_by="olga", requested_at=datetime.now(UTC)
    )
    record = codec.encode(command, topic=topics.COMMANDS, source="dlq-admin")
    return ReceivedRecord(topics.COMMANDS, 0, 0, 0, record.key, record.value, tuple(record.headers))


async def test_the_slots_of_a_stage_are_set_and_unset_for_every_replica(
    database: Database,
) -> None:
    holds, replica = Holds(Stage, database=database), Holds(Stage, database=database)
    commands = Commands(database=database, outbox=Outbox(source="test"), holds=holds)

    seen = []
    for slots in (2, 0, None):
        await commands.apply([wanted(slots)])
        await replica.load()
        seen.append((replica.slots(Stage.EXTRACT, 4), replica.slots(Stage.INDEX, 4)))

    assert seen == [(2, 4), (0, 4), (4, 4)]
