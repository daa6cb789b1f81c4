"""Files put straight into the store: what is signed binds, and one of those who finish wins."""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from pydantic import SecretStr
from tests.integration.ingest.chunks import MIB, UPLOAD, complete, status, text
from tests.integration.ingest.desks import arrivals_of, desk_of
from tests.integration.ingest.serving import RunningIngest, running
from tests.integration.ingest.test_sweep import Later

from docyard_common.database import Database
from docyard_common.kafka.received import ReceivedRecord
from ingest.settings import IngestSettings, StoreEventSettings, UploadSettings
from ingest.store_events import StoreEvents
from ingest.uploads.arrivals import Arrivals
from ingest.uploads.expiry import Expiry

pytestmark = pytest.mark.integration

SMALL = text(100_000)
LARGE = text(20 * MIB + 7)
TOKEN = "what-the-store-brings"


@pytest.fixture
def ingest_settings(ingest_settings: IngestSettings) -> IngestSettings:
    return ingest_settings.model_copy(
        update={
            "uploads": UploadSettings(presign_parts_above_bytes=8 * MIB),
            "store_events": StoreEventSettings(token=SecretStr(TOKEN)),
        }
    )


def arrivals(ingest: RunningIngest, database: Database, **later: float) -> Arrivals:
    return arrivals_of(desk_of(ingest, database, clock=Later(timedelta(**later))))


def store_events(ingest: RunningIngest, database: Database) -> StoreEvents:
    bucket = ingest.settings.object_store.bucket
    return StoreEvents(arrivals=arrivals(ingest, database), bucket=bucket)


def told(bucket: str, key: str, *, name: str = "ObjectCreated:Put") -> ReceivedRecord:
    entry = {
        "eventName": name,
        "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}},
    }
    return received(json.dumps({"Records": [entry]}).encode())


def received(value: bytes) -> ReceivedRecord:
    return ReceivedRecord(
        topic="storage.events",
        partition=0,
        offset=0,
        timestamp_ms=0,
        key=None,
        value=value,
        headers=(),
    )


async def presign(ingest: RunningIngest, data: bytes, **said: Any) -> dict[str, Any]:
    body = {
        "filename": "big.txt",
        "file_size": len(data),
        "content_type": "text/plain",
        **said,
    }
    answer = await ingest.client.post(f"{UPLOAD}/presign", json=body)
    assert answer.status_code == 201, answer.text
    signed: dict[str, Any] = answer.json()
    return signed


async def put(signed: dict[str, Any], data: bytes, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as client:
        sent = {**signed["headers"], "Content-Length": str(len(data)), **headers}
        return await client.put(signed["url"], content=data, headers=sent)


async def abandon(ingest: RunningIngest, count: int) -> dict[str, Any]:
    """Open *count* uploads of which nothing comes; return the first."""
    signed = await presign(ingest, SMALL)
    await ingest.rows(
        "insert into uploads select (jsonb_populate_record(opened, jsonb_build_object("
        "'upload_id', gen_random_uuid(), 'document_id', gen_random_uuid(),"
        " 'object_key', gen_random_uuid(), 'expires_at', expires_at + interval '1 ms'))).*"
        f" from uploads opened, generate_series(2, {count}) returning 1"
    )
    return signed


def key_of(signed: dict[str, Any]) -> str:
    return f"presigned/{signed['document_id']}"


async def test_one_put_and_complete_make_a_document(ingest: RunningIngest) -> None:
    sha256 = hashlib.sha256(SMALL).hexdigest()
    signed = await presign(ingest, SMALL, sha256=sha256)

    assert (await put(signed, SMALL)).status_code == 200
    done = await complete(ingest, signed["upload_id"])
    again = await complete(ingest, signed["upload_id"])

    assert done.status_code == again.status_code == 202
    assert done.json() == again.json()
    assert done.json()["document_id"] == signed["document_id"]
    document = (await ingest.client.get(done.headers["Location"])).json()
    assert (document["sha256"], document["size_bytes"]) == (sha256, len(SMALL))
    original = await ingest.client.get(f"{done.headers['Location']}/original")
    assert original.content == SMALL


async def test_parts_in_any_order_and_complete_make_a_document(ingest: RunningIngest) -> None:
    signed = await presign(ingest, LARGE)
    size = signed["chunk_size"]
    assert [part["size_bytes"] for part in signed["parts"]] == [size, size, len(LARGE) - 2 * size]
    early = await complete(ingest, signed["upload_id"])
    assert (early.status_code, early.json()["missing_parts"]) == (409, [1, 2, 3])

    for part in reversed(signed["parts"]):
        start = (part["part_number"] - 1) * size
        answer = await put(part, LARGE[start : start + size])
        assert answer.status_code == 200, answer.text
    assert (await status(ingest, signed["upload_id"]))["missing_parts"] == []
    done = await complete(ingest, signed["upload_id"])

    assert done.status_code == 202
    document = (await ingest.client.get(done.headers["Location"])).json()
    assert document["sha256"] == hashlib.sha256(LARGE).hexdigest()


async def test_the_store_refuses_what_is_not_signed(ingest: RunningIngest) -> None:
    signed = await presign(ingest, SMALL, sha256=hashlib.sha256(SMALL).hexdigest())

    assert (await put(signed, SMALL, **{"Content-Type": "text/html"})).status_code == 403
    assert (await put(signed, SMALL + b"x")).status_code == 403
    assert (await put(signed, SMALL[::-1])).status_code == 400
    assert (await put(signed, SMALL)).status_code == 200
    assert (await put(signed, SMALL)).status_code == 412


async def test_nothing_sent_is_named_as_missing(ingest: RunningIngest) -> None:
    signed = await presign(ingest, SMALL)

    answer = await complete(ingest, signed["upload_id"])

    assert (answer.status_code, answer.json()["missing_parts"]) == (409, [1])


async def test_content_that_is_not_what_the_name_says_is_removed(ingest: RunningIngest) -> None:
    signed = await presign(ingest, SMALL, filename="a.pdf", content_type=None)
    await put(signed, SMALL)

    answer = await complete(ingest, signed["upload_id"])

    assert (answer.status_code, answer.json()["code"]) == (422, "TYPE_MISMATCH")
    assert await ingest.is_empty()
    assert (await status(ingest, signed["upload_id"]))["refusal"] == "TYPE_MISMATCH"


@pytest.mark.parametrize("name", ["ObjectCreated:Put", "s3:ObjectCreated:CompleteMultipartUpload"])
async def test_the_stores_event_finishes_an_upload_once(
    ingest: RunningIngest, database: Database, name: str
) -> None:
    signed = await presign(ingest, SMALL)
    await put(signed, SMALL)
    event = told(ingest.settings.object_store.bucket, key_of(signed), name=name)

    await store_events(ingest, database).apply([event, event])
    await store_events(ingest, database).apply([event])

    assert len(await ingest.outbox()) == 2
    done = await complete(ingest, signed["upload_id"])
    assert (done.status_code, done.json()["document_id"]) == (202, signed["document_id"])


async def test_complete_against_the_stores_event_makes_one_document(
    ingest: RunningIngest, database: Database
) -> None:
    for round_ in range(4):
        signed = await presign(ingest, SMALL, filename=f"{round_}.txt")
        await put(signed, SMALL)
        event = told(ingest.settings.object_store.bucket, key_of(signed))

        done, _ = await asyncio.gather(
            complete(ingest, signed["upload_id"]), store_events(ingest, database).apply([event])
        )

        assert (done.status_code, done.json()["document_id"]) == (202, signed["document_id"])
        assert len(await ingest.outbox()) == 2 * (round_ + 1)


async def test_events_that_can_not_be_read_are_passed_over(
    ingest: RunningIngest, database: Database
) -> None:
    values = [b"", b"{}", b"\xff", b'{"Records": [{"eventName": 1}]}', b'{"Records": 7}', b"[]"]

    await store_events(ingest, database).apply([received(value) for value in values])

    assert await ingest.is_empty()


async def test_the_sweep_finds_what_no_event_told_of(
    ingest: RunningIngest, database: Database
) -> None:
    signed = await presign(ingest, LARGE)
    size = signed["chunk_size"]
    for part in signed["parts"][1:]:
        start = (part["part_number"] - 1) * size
        await put(part, LARGE[start : start + size])
    assert await arrivals(ingest, database, minutes=2).sweep() == 0
    await put(signed["parts"][0], LARGE[:size])

    assert await arrivals(ingest, database, seconds=30).sweep() == 0
    assert await arrivals(ingest, database, minutes=2).sweep() == 1
    assert await arrivals(ingest, database, minutes=2).sweep() == 0
    assert (await status(ingest, signed["upload_id"]))["state"] == "completed"


async def test_the_sweep_gets_past_uploads_that_nobody_goes_on_with(
    ingest: RunningIngest, database: Database
) -> None:
    await abandon(ingest, 250)
    signed = await presign(ingest, SMALL)
    await put(signed, SMALL)

    assert await arrivals(ingest, database, minutes=2).sweep() == 1

    assert (await status(ingest, signed["upload_id"]))["state"] == "completed"


async def test_a_sweep_goes_on_where_the_last_one_stopped(
    ingest: RunningIngest, database: Database
) -> None:
    first = await abandon(ingest, 120)
    await put(await presign(ingest, SMALL), SMALL)
    desk = desk_of(ingest, database, clock=Later(timedelta(minutes=2)))
    sweeping = arrivals_of(desk, pages=1)

    assert [await sweeping.sweep() for _ in range(2)] == [0, 1]

    await put(first, SMALL)
    assert await sweeping.sweep() == 1


async def test_what_comes_behind_a_cancel_is_removed(
    ingest: RunningIngest, database: Database
) -> None:
    signed = await presign(ingest, SMALL)
    await ingest.client.delete(f"{UPLOAD}/cancel/{signed['upload_id']}")
    await put(signed, SMALL)

    await store_events(ingest, database).apply(
        [told(ingest.settings.object_store.bucket, key_of(signed))]
    )

    assert await ingest.is_empty()


async def test_an_upload_that_nobody_finishes_expires(
    ingest: RunningIngest, database: Database
) -> None:
    signed = await presign(ingest, LARGE)
    await put(signed["parts"][0], LARGE[: signed["chunk_size"]])
    expiry = Expiry(database=database, store=ingest.store, clock=Later(timedelta(hours=25)))

    assert await expiry.expire() == 1

    assert await ingest.is_empty()
    answer = await complete(ingest, signed["upload_id"])
    assert (answer.status_code, answer.json()["code"]) == (410, "UPLOAD_EXPIRED")


async def test_urls_name_the_endpoint_that_clients_reach(ingest_settings: IngestSettings) -> None:
    store = ingest_settings.object_store.model_copy(
        update={"public_endpoint": "https://files.example/s3"}
    )
    async with running(ingest_settings.model_copy(update={"object_store": store})) as ingest:
        signed = await presign(ingest, SMALL)

    assert signed["url"].startswith(
        f"https://files.example/s3/{store.bucket}/presigned/{signed['document_id']}?"
    )
    assert "secret" not in signed["url"]


async def test_the_stores_webhook_becomes_a_bucket_notification(ingest: RunningIngest) -> None:
    event = {
        "event_type": "create",
        "key": "/buckets/docyard/presigned/some key",
        "message": {"new_entry": {"attributes": {"file_size": 11}}},
    }

    answers = [
        await ingest.client.post("/internal/store-events", json=event, headers=headers)
        for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"})
    ]

    assert [answer.status_code for answer in answers] == [401, 204]
    rows = await ingest.rows("select topic, value from outbox")
    assert [row["topic"] for row in rows] == ["storage.events"]
    (record,) = json.loads(rows[0]["value"])["Records"]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["bucket"]["name"] == "docyard"
    assert record["s3"]["object"] == {"key": "presigned/some+key", "size": 11}
