import pytest
from tests.integration.dlq_admin.looking import only_entry, rows
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work

from dlq_admin.consumers.indexer import Indexer
from docyard_common.database import Database
from docyard_common.delivery.headers import Cause

pytestmark = pytest.mark.integration


async def test_a_dead_letter_is_kept_byte_for_byte(database: Database, indexer: Indexer) -> None:
    record = dead()

    await indexer.apply([record])

    entry = await only_entry(database)
    names = [bytes(name).decode() for name in entry["header_names"]]
    assert (entry["key"], entry["value"]) == (record.key, record.value)
    assert tuple(zip(names, entry["header_values"], strict=True)) == record.headers
    assert (entry["state"], entry["count"], entry["owner"]) == ("open", 1, "ann")


async def test_redelivered_and_copied_dead_letters_count_once(
    database: Database, indexer: Indexer
) -> None:
    event, cause = work(), death()
    record, copy = dead(event, of=cause), dead(event, of=cause)

    await indexer.apply([record, copy])
    await indexer.apply([record])

    assert (await only_entry(database))["count"] == 1


async def test_a_document_that_dies_again_in_a_stage_keeps_its_entry_and_history(
    database: Database, indexer: Indexer
) -> None:
    event = work()
    second = death(5, cause=Cause("MemoryError", "no room", ""))

    await indexer.apply([dead(event, of=death(0))])
    await indexer.apply([dead(event, of=second)])

    entry = await only_entry(database)
    assert (entry["count"], entry["error_class"]) == (2, "MemoryError")
    assert (entry["first_failed_at"], entry["last_failed_at"]) == (NOON, second.failed_at)
    history = await rows(database, "select error_class from failures order by failed_at")
    assert [failure["error_class"] for failure in history] == ["PdfiumError", "MemoryError"]


async def test_an_older_death_told_late_is_counted_and_shows_nothing_old(
    database: Database, indexer: Indexer
) -> None:
    event = work()

    await indexer.apply([dead(event, of=death(5, attempt=9))])
    await indexer.apply([dead(event, of=death(1))])

    entry = await only_entry(database)
    assert (entry["count"], entry["attempt"]) == (2, 9)


async def test_records_that_do_not_decode_are_kept_too(
    database: Database, indexer: Indexer
) -> None:
    poison = lying(b"\xff", b"\x00\xfe{", (("ce_type", b"\xff\xfe"), ("null", None), ("", b"")))
    nothing = lying(None, None, ())

    await indexer.apply([poison, nothing])

    found = await rows(database, "select * from entries order by value nulls last")
    assert [entry["value"] for entry in found] == [b"\x00\xfe{", None]
    assert [entry["document_id"] for entry in found] == [None, None]


async def test_names_that_the_database_has_no_room_for_do_not_stop_the_index(
    database: Database, indexer: Indexer
) -> None:
    cause = Cause("E\0", "message\0", "stack\0")
    await indexer.apply([lying(b"k", b"v", (("na\0me", b"x"),), of=death(cause=cause))])

    assert bytes((await only_entry(database))["header_names"][0]) == b"na\0me"


async def test_a_record_that_can_not_be_indexed_is_kept_with_what_stood_in_the_way(
    database: Database, indexer: Indexer
) -> None:
    record = dead()

    await indexer.reject(record, ValueError("no room"))
    await indexer.reject(record, ValueError("no room"))

    entry = await only_entry(database)
    assert (entry["value"], entry["reason"]) == (record.value, "undecodable_record")
    assert (entry["stage"], entry["error_message"]) == ("extract", "no room")
    assert bytes(entry["header_names"][0]) == b"ce_specversion"
