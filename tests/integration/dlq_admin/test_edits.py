from typing import Any
from uuid import UUID

import pytest
from tests.integration.dlq_admin.looking import only_entry, rows, sent
from tests.unit.dlq_admin.letters import TRACEPARENT, dead, lying, work

from dlq_admin.consumers.indexer import Indexer
from dlq_admin.errors import EditRefusedError, KeyReusedError, StateForbidsError
from dlq_admin.replaying.edits import Entries
from dlq_admin.tables.audit import Deed
from docyard_common.database import Database
from docyard_common.delivery.headers import Replay, replay_of, text_of
from docyard_common.events.codec import Headers, decode
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7

pytestmark = pytest.mark.integration

DEED = Deed("ada", "edit", {}, reason="wrong key")


def edited(event: StageRequested, **changes: Any) -> dict[str, Any]:
    return event.model_dump(mode="json") | changes


def headers_of(row: dict[str, Any]) -> Headers:
    return tuple(
        zip((name.decode() for name in row["header_names"]), row["header_values"], strict=True)
    )


async def test_an_edited_copy_has_its_own_id_and_names_the_one_it_was_made_from(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    record = dead(event)
    await indexer.apply([record])
    entry = await only_entry(database)

    row = await entries.edit_and_replay(entry["id"], edited(event, object_key="right"), deed=DEED)

    (out,) = await sent(database)
    headers = headers_of(out)
    copy = decode(out["value"], headers)
    assert copy == event.model_copy(update={"object_key": "right"})
    assert text_of(headers, "ce_id") != text_of(record.headers, "ce_id")
    assert replay_of(headers) == Replay(row["id"], 1, text_of(record.headers, "ce_id"))
    assert TRACEPARENT in headers
    assert (await only_entry(database))["state"] == "replayed"
    assert (row["status"], row["moved"]) == ("completed", 1)


async def test_a_repaired_poison_record_becomes_its_documents_entry(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    await indexer.apply([lying(b"k", b"{broken", (("ce_type", b"\xff"),))])
    entry = await only_entry(database)

    await entries.edit_and_replay(entry["id"], edited(event), deed=DEED)

    repaired = await only_entry(database)
    assert (repaired["document_id"], repaired["owner"]) == (event.document_id, "ann")
    (out,) = await sent(database)
    assert (UUID(bytes(out["key"]).decode()), out["topic"]) == (
        event.document_id,
        "work.extract.high",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "index"},
        {"document_id": str(uuid7())},
        {"owner": "bob"},
        {"size_bytes": 0},
        {"priority": "soon"},
    ],
)
async def test_an_edit_reaches_no_other_stage_document_or_owner(
    database: Database, indexer: Indexer, entries: Entries, changes: dict[str, Any]
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    entry = await only_entry(database)

    with pytest.raises(EditRefusedError) as refused:
        await entries.edit_and_replay(entry["id"], edited(event, **changes), deed=DEED)

    assert refused.value.field == next(iter(changes))
    assert await sent(database) == []


async def test_a_poison_record_can_not_take_over_an_entry_that_is_there(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    await indexer.apply([dead(event), lying(b"k", b"{broken", ())])
    (poison,) = await rows(database, "select id from entries where document_id is null")

    with pytest.raises(EditRefusedError):
        await entries.edit_and_replay(poison["id"], edited(event), deed=DEED)


async def test_an_entry_is_edited_and_replayed_once(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    entry = await only_entry(database)
    await entries.edit_and_replay(entry["id"], edited(event), deed=DEED)

    with pytest.raises(StateForbidsError):
        await entries.edit_and_replay(entry["id"], edited(event), deed=DEED)

    assert len(await sent(database)) == 1


async def test_one_key_edits_and_replays_once(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    entry = await only_entry(database)

    async def edit(**changes: Any) -> dict[str, Any]:
        value = edited(event, **changes)
        return await entries.edit_and_replay(entry["id"], value, deed=DEED, idempotency_key="once")

    first = await edit(object_key="right")
    again = await edit(object_key="right")
    with pytest.raises(KeyReusedError):
        await edit(object_key="other")

    assert again["id"] == first["id"]
    assert len(await sent(database)) == 1


async def test_a_copy_that_its_topic_would_not_take_is_refused(
    database: Database, indexer: Indexer, entries: Entries
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    entry = await only_entry(database)
    large = edited(event, filename="a" * 2**20)

    with pytest.raises(EditRefusedError):
        await entries.edit_and_replay(entry["id"], large, deed=DEED)

    assert await sent(database) == []
    assert (await only_entry(database))["state"] == "open"
