from datetime import timedelta
from uuid import UUID

import pytest
from tests.integration.dlq_admin.looking import fact, only_entry, rows
from tests.unit.dlq_admin.letters import NOON, dead, death, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.consumers.resolver import Resolver
from docyard_common.database import Database
from docyard_common.errors import FailureReason
from docyard_common.events.documents import (
    DocumentCancelled,
    DocumentCompleted,
    DocumentDeleted,
    DocumentFailed,
    StageFinished,
    StageRetrying,
)
from docyard_common.events.stages import Stage
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord

pytestmark = pytest.mark.integration


def finished(document_id: UUID, *, seq: int, stage: Stage = Stage.EXTRACT) -> ReceivedRecord:
    return fact(
        StageFinished(
            document_id=document_id,
            owner="ann",
            generation=1,
            seq=seq,
            stage=stage,
            attempt=1,
            at=NOON,
            duration_s=1,
        )
    )


def failed(document_id: UUID) -> ReceivedRecord:
    return fact(
        DocumentFailed(
            document_id=document_id,
            owner="ann",
            generation=1,
            seq=12,
            stage=Stage.EXTRACT,
            attempt=3,
            reason=FailureReason.TIMEOUT,
            message="too slow",
            failed_at=NOON,
        )
    )


def retrying(document_id: UUID, *, attempt: int) -> ReceivedRecord:
    return fact(
        StageRetrying(
            document_id=document_id,
            owner="ann",
            generation=1,
            seq=10 + attempt,
            stage=Stage.EXTRACT,
            attempt=attempt,
            at=NOON,
            reason=FailureReason.TIMEOUT,
            message="too slow",
            due_at=NOON,
        )
    )


async def test_a_later_success_of_the_stage_resolves(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work(seq=10)
    await indexer.apply([dead(event)])

    await resolver.apply([finished(event.document_id, seq=20)])

    assert (await only_entry(database))["state"] == "resolved"


@pytest.mark.parametrize(("seq", "stage"), [(10, Stage.EXTRACT), (20, Stage.VALIDATE)])
async def test_older_successes_and_other_stages_resolve_nothing(
    database: Database, indexer: Indexer, resolver: Resolver, seq: int, stage: Stage
) -> None:
    event = work(seq=10)
    await indexer.apply([dead(event)])

    await resolver.apply([finished(event.document_id, seq=seq, stage=stage)])

    assert (await only_entry(database))["state"] == "open"


async def test_a_completed_document_has_no_open_entries(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work()
    await indexer.apply([dead(event)])

    completed = DocumentCompleted(
        document_id=event.document_id, owner="ann", generation=1, seq=99, completed_at=NOON
    )
    await resolver.apply([fact(completed)])

    assert (await only_entry(database))["state"] == "resolved"


async def test_a_dead_letter_indexed_after_the_success_is_resolved(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work(seq=10)
    await resolver.apply([failed(event.document_id), finished(event.document_id, seq=20)])

    await indexer.apply([dead(event)])

    assert (await only_entry(database))["state"] == "resolved"


async def test_a_resolved_entry_that_fails_in_a_later_generation_is_open_again(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work(seq=10)
    await indexer.apply([dead(event)])
    await resolver.apply([failed(event.document_id), finished(event.document_id, seq=20)])

    again = work(event.document_id, generation=2, seq=30)
    await indexer.apply([dead(again, of=death(9))])

    entry = await only_entry(database)
    assert (entry["state"], entry["count"]) == ("open", 2)


async def test_a_deleted_document_leaves_nothing_and_does_not_come_back(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    deleted = DocumentDeleted(
        document_id=event.document_id, owner="ann", generation=1, seq=99, deleted_at=NOON
    )

    await resolver.apply([retrying(event.document_id, attempt=1), fact(deleted)])
    await indexer.apply([dead(event, of=death(5))])

    for table in ("entries", "failures", "retries", "stage_outcomes"):
        assert await rows(database, f"select 1 from {table}") == []


async def test_a_cancelled_document_is_given_up(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    cancelled = DocumentCancelled(
        document_id=event.document_id,
        owner="ann",
        generation=1,
        seq=99,
        cancelled_at=NOON + timedelta(minutes=1),
    )

    await resolver.apply([fact(cancelled)])

    entry = await only_entry(database)
    assert (entry["state"], entry["settled_by"]) == ("discarded", "docyard")


async def test_retries_are_remembered_until_the_stage_succeeds(
    database: Database, resolver: Resolver
) -> None:
    document_id = uuid7()
    records = [retrying(document_id, attempt=1), retrying(document_id, attempt=2)]

    await resolver.apply([*records, *records])
    assert len(await rows(database, "select 1 from retries")) == 2

    await resolver.apply([finished(document_id, seq=20)])
    assert await rows(database, "select 1 from retries") == []


async def test_healthy_documents_leave_no_trace(database: Database, resolver: Resolver) -> None:
    await resolver.apply([finished(uuid7(), seq=20) for _ in range(5)])

    assert await rows(database, "select 1 from stage_outcomes") == []


async def test_facts_that_can_not_be_read_delay_nobody(
    database: Database, indexer: Indexer, resolver: Resolver
) -> None:
    event = work(seq=10)
    await indexer.apply([dead(event)])
    unreadable = ReceivedRecord("documents.events", 0, 0, 0, None, b"\xff", (("ce_type", b"\xff"),))

    await resolver.apply([unreadable, finished(event.document_id, seq=20)])

    assert (await only_entry(database))["state"] == "resolved"
