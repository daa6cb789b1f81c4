"""Documents, their bytes and their history are kept for as long as the owner's terms say."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.waiting import eventually

from docyard_common.database import Database, lock_document
from docyard_common.events.work import RemovalRequested
from docyard_common.outbox import Outbox
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.retention import Retention
from ingest.settings import RetentionSettings

pytestmark = pytest.mark.integration
DOCUMENTS = "/api/v1/documents"
KEPT = "insert into retention (owner, changed_at, changed_by) values ('ann', now(), 'olga')"
REPROCESSED = "update documents set state = 'accepted', completed_at = null, generation = 2"
WAITS = """
select from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())
"""


class Later:
    """A clock that is days ahead."""

    def __init__(self, days: float) -> None:
        self._days = days

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self._days)


async def sweep(
    ingest: RunningIngest,
    database: Database,
    *,
    days: float,
    defaults: RetentionSettings | None = None,
) -> None:
    """Carry out what is due *days* from now."""
    clock = Later(days)
    lifecycle = Lifecycle(
        database=database, store=ingest.store, outbox=Outbox(source="test"), clock=clock
    )
    retention = Retention(
        database=database,
        store=ingest.store,
        lifecycle=lifecycle,
        clock=clock,
        settings=defaults or RetentionSettings(),
    )
    await retention.sweep()


async def ended(ingest: RunningIngest, content: bytes = b"hello", *, owner: str = "ann") -> UUID:
    answer = await ingest.upload(content, headers=ingest.as_owner(owner))
    document_id = UUID(answer.json()["document_id"])
    await ingest.rows(
        "update documents set state = 'completed', completed_at = now(), result_generation = 1"
        f" where document_id = '{document_id}' returning 1"
    )
    return document_id


async def sharing(ingest: RunningIngest) -> tuple[UUID, UUID]:
    """Return two documents with the same bytes; the first has ended."""
    first = await ended(ingest)
    answer = await ingest.upload(b"hello", processing_options='{"ocr": false}')
    assert len(await ingest.keys()) == 1
    return first, UUID(answer.json()["document_id"])


async def set_terms(ingest: RunningIngest, owner: str, **terms: int) -> int:
    operator = ingest.as_owner("olga", roles=("operator",))
    answer = await ingest.client.put(
        f"/api/v1/owners/{owner}/retention", json=terms, headers=operator
    )
    return answer.status_code


async def test_a_document_is_erased_when_its_owners_term_has_passed(
    ingest: RunningIngest, database: Database
) -> None:
    await set_terms(ingest, "ann", documents_days=30)
    mine, theirs = await ended(ingest), await ended(ingest, owner="bob")

    await sweep(ingest, database, days=29)
    early = (await ingest.client.get(f"{DOCUMENTS}/{mine}")).status_code
    await sweep(ingest, database, days=31)
    late = (await ingest.client.get(f"{DOCUMENTS}/{mine}")).status_code

    assert (early, late) == (200, 404)
    assert [row["document_id"] for row in await ingest.rows("select * from documents")] == [theirs]
    audit = (await ingest.client.get("/api/v1/erasures")).json()["items"]
    assert [(line["actor"], line["what"], line["document_id"]) for line in audit] == [
        ("retention", "document", str(mine)),
        ("olga", "retention_changed", None),
    ]


async def test_bytes_go_and_what_was_made_of_them_stays(
    ingest: RunningIngest, database: Database
) -> None:
    document_id = await ended(ingest)

    await sweep(ingest, database, days=8, defaults=RetentionSettings(originals_days=7))

    original = await ingest.client.get(f"{DOCUMENTS}/{document_id}/original")
    again = await ingest.client.post(f"{DOCUMENTS}/{document_id}/reprocess")
    assert (original.status_code, original.json()["code"]) == (404, "NOT_AVAILABLE")
    assert (again.status_code, again.json()["code"]) == (409, "ORIGINAL_REMOVED")
    assert (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).status_code == 200
    assert await ingest.keys() == []


async def test_bytes_that_another_document_shares_stay_for_it(
    ingest: RunningIngest, database: Database
) -> None:
    first, second = await sharing(ingest)

    await sweep(ingest, database, days=8, defaults=RetentionSettings(originals_days=7))

    removed = await ingest.client.get(f"{DOCUMENTS}/{first}/original")
    assert (removed.status_code, removed.json()["code"]) == (404, "NOT_AVAILABLE")
    assert (await ingest.client.get(f"{DOCUMENTS}/{second}/original")).status_code == 200


async def test_bytes_go_with_the_last_document_that_still_has_them(
    ingest: RunningIngest, database: Database
) -> None:
    first, second = await sharing(ingest)
    await sweep(ingest, database, days=8, defaults=RetentionSettings(originals_days=7))
    assert len(await ingest.keys()) == 1

    await ingest.client.delete(f"{DOCUMENTS}/{second}")

    assert await ingest.keys() == []
    assert (await ingest.client.get(f"{DOCUMENTS}/{first}")).status_code == 200


async def test_history_goes_by_its_own_term(ingest: RunningIngest, database: Database) -> None:
    document_id = await ended(ingest)

    await sweep(ingest, database, days=8, defaults=RetentionSettings(events_days=7))

    assert (await ingest.client.get(f"{DOCUMENTS}/{document_id}/events")).json()["items"] == []
    (line,) = (await ingest.client.get("/api/v1/erasures")).json()["items"]
    assert (line["what"], line["detail"]) == ("events", {"facts": 1})


async def test_what_is_in_work_is_kept(ingest: RunningIngest, database: Database) -> None:
    await ingest.upload()
    everything = RetentionSettings(documents_days=1, originals_days=1, events_days=1)

    await sweep(ingest, database, days=400, defaults=everything)

    assert len(await ingest.rows("select 1 from documents")) == 1


@pytest.mark.parametrize(
    "term", ["documents_days", "originals_days", "artifacts_days", "events_days"]
)
@pytest.mark.parametrize("meanwhile", [KEPT, REPROCESSED], ids=["kept", "reprocessed"])
async def test_what_is_not_due_any_more_when_its_turn_comes_is_kept(
    ingest: RunningIngest, database: Database, meanwhile: str, term: str
) -> None:
    document_id = await ended(ingest)
    defaults = RetentionSettings(**{term: 7})

    async with database.transaction() as tx:
        await lock_document(tx, document_id)
        sweeping = asyncio.create_task(sweep(ingest, database, days=8, defaults=defaults))
        await eventually(lambda: waits_or_ended(ingest, sweeping))
        await tx.execute(meanwhile.encode())
    await sweeping

    assert (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).status_code == 200
    assert (await ingest.client.get(f"{DOCUMENTS}/{document_id}/original")).status_code == 200
    assert not [event for _, event in await ingest.outbox() if isinstance(event, RemovalRequested)]
    assert (await ingest.client.get("/api/v1/erasures")).json()["items"] == []


async def waits_or_ended(ingest: RunningIngest, sweeping: asyncio.Task[Any]) -> bool:
    return sweeping.done() or bool(await ingest.rows(WAITS))


async def test_a_deletion_is_in_the_audit_of_its_owner_alone(ingest: RunningIngest) -> None:
    document_id = await ended(ingest)

    await ingest.client.delete(f"{DOCUMENTS}/{document_id}")

    (line,) = (await ingest.client.get("/api/v1/erasures")).json()["items"]
    assert (line["actor"], line["what"], line["document_id"]) == (
        "ann", "document", str(document_id),
    )  # fmt: skip
    bob = await ingest.client.get("/api/v1/erasures", headers=ingest.as_owner("bob"))
    assert bob.json()["items"] == []


async def test_terms_are_read_by_their_owner_and_set_by_operators(ingest: RunningIngest) -> None:
    assert await set_terms(ingest, "ann", originals_days=7) == 200
    assert await set_terms(ingest, "ann", originals_days=0) == 422
    own = await ingest.client.get("/api/v1/retention")
    refused = await ingest.client.put("/api/v1/owners/ann/retention", json={})

    assert own.json() == {
        "documents_days": None, "originals_days": 7, "artifacts_days": None, "events_days": None,
    }  # fmt: skip
    assert refused.status_code == 403
