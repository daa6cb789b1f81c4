"""Records that nobody can work on: their dead letters fit, and hold back nobody."""

from dataclasses import replace

import pytest
from tests.integration.work.orders import order

from docyard_common.database import Database
from docyard_common.delivery import oversize
from docyard_common.delivery.memory import Estimates
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from processor.intake import Intake
from processor.settings import SlotSettings

pytestmark = pytest.mark.integration
MIB = 1024 * 1024


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(
        Stage.VALIDATE,
        Priority.NORMAL,
        database=database,
        outbox=Outbox(source="test"),
        settings=SlotSettings(),
        estimates=Estimates(limit_bytes=2**31),
    )


def too_large(record: ReceivedRecord) -> list[ReceivedRecord]:
    """Two records of five mebibytes: one that is no JSON, one that decodes."""
    value = record.value or b""
    return [
        replace(record, offset=1, value=b"\0" * 5 * MIB),
        replace(record, offset=2, value=value[:-1] + b" " * 5 * MIB + value[-1:]),
    ]


async def test_a_record_that_unfolds_beyond_what_a_topic_takes_is_buried_packed(
    database: Database, intake: Intake
) -> None:
    fine = order().record
    poison = too_large(fine)

    await intake.apply([*poison, fine])

    async with database.transaction() as tx:
        letters = await (await tx.execute("select * from outbox order by id")).fetchall()
        works = await (await tx.execute('select "offset" from work')).fetchall()
    assert [row["offset"] for row in works] == [fine.offset]
    assert [row["topic"] for row in letters] == ["dlq.validate"] * 2
    for letter, came in zip(letters, poison, strict=True):
        assert len(letter["value"]) + sum(map(len, letter["header_values"])) < MIB
        assert oversize.unpacked(letter["value"]) == (came.key, came.value, came.headers)
