"""Chunked uploads over real servers: any order, any replica, as often as it takes."""

import asyncio
import base64
import hashlib
from uuid import UUID

import pytest
from tests.integration.ingest.chunks import (
    MIB,
    PART,
    UPLOAD,
    complete,
    initiate,
    opened,
    piece,
    send_form,
    send_raw,
    sent,
    status,
    text,
)
from tests.integration.ingest.serving import RunningIngest, running

from docyard_common.artifacts import original_key
from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration

DATA = text(2 * PART + 1000)


async def test_parts_in_any_order_become_one_document(ingest: RunningIngest) -> None:
    upload = await opened(ingest, DATA, metadata={"customer": "4711"}, priority="high")
    assert (upload["chunk_size"], upload["total_parts"]) == (PART, 3)

    for number in (3, 1, 2):
        data = piece(DATA, number)
        answer = await send_form(
            ingest,
            upload["upload_id"],
            number,
            data,
            total_parts="3",
            chunk_hash=hashlib.md5(data).hexdigest(),
            is_final_chunk=str(number == 3).lower(),
        )
        assert answer.status_code == 200, answer.text
    assert answer.json()["percent"] == 100
    done = await complete(ingest, upload["upload_id"])

    assert done.status_code == 202
    assert done.json()["document_id"] == done.json()["job_id"] == upload["job_id"]
    document = (await ingest.client.get(done.headers["Location"])).json()
    assert document["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert document["size_bytes"] == len(DATA)
    assert document["metadata"] == {"customer": "4711", "document_type": "text"}
    assert document["priority"] == "high"
    assert await ingest.store.get(original_key(UUID(upload["job_id"]))) == DATA
    assert [topic for topic, _ in await ingest.outbox()] == [
        "documents.events",
        "work.validate.high",
    ]
    assert not await ingest.store.open_multiparts("")


async def test_completing_again_answers_the_same_and_makes_nothing(ingest: RunningIngest) -> None:
    upload_id = await sent(ingest, DATA)

    answers = await asyncio.gather(*(complete(ingest, upload_id) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert len(await ingest.outbox()) == 2


async def test_missing_parts_are_named_and_can_still_be_sent(ingest: RunningIngest) -> None:
    upload = await opened(ingest, DATA)
    await send_raw(ingest, upload["upload_id"], 2, piece(DATA, 2))

    refused = await complete(ingest, upload["upload_id"])

    assert (refused.status_code, refused.json()["code"]) == (409, "PARTS_MISSING")
    assert refused.json()["missing_parts"] == [1, 3]
    assert (await status(ingest, upload["upload_id"]))["missing_parts"] == [1, 3]
    for number in (1, 3):
        await send_raw(ingest, upload["upload_id"], number, piece(DATA, number))
    assert (await complete(ingest, upload["upload_id"])).status_code == 202


async def test_a_wrong_hash_leaves_nothing_and_the_part_may_be_sent_again(
    ingest: RunningIngest,
) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    data = piece(DATA, 1)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    right = base64.b64encode(hashlib.sha256(data).digest()).decode()

    refused = await send_raw(
        ingest, upload_id, 1, data, headers={"Content-Digest": f"sha-256=:{wrong}:"}
    )

    assert (refused.status_code, refused.json()["code"]) == (422, "CHUNK_HASH_MISMATCH")
    assert refused.json()["retryable"] is True
    assert (await status(ingest, upload_id))["received_parts"] == []
    again = await send_raw(
        ingest, upload_id, 1, data, headers={"Content-Digest": f"sha-256=:{right}:"}
    )
    assert again.status_code == 200


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
async def test_the_form_takes_md5_and_sha256(ingest: RunningIngest, algorithm: str) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    data = piece(DATA, 1)
    stated = hashlib.new(algorithm, data).hexdigest()

    wrong = await send_form(ingest, upload_id, 1, data[::-1], chunk_hash=stated)
    right = await send_form(ingest, upload_id, 1, data, chunk_hash=stated.upper())

    assert (wrong.status_code, wrong.json()["code"]) == (422, "CHUNK_HASH_MISMATCH")
    assert right.status_code == 200


async def test_a_repeated_part_changes_nothing_and_other_bytes_are_a_conflict(
    ingest: RunningIngest,
) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    data = piece(DATA, 2)

    first = await send_raw(ingest, upload_id, 2, data)
    second = await send_raw(ingest, upload_id, 2, data)
    other = await send_raw(ingest, upload_id, 2, data[::-1])

    assert first.json()["received_bytes"] == second.json()["received_bytes"] == PART
    assert (other.status_code, other.json()["code"]) == (409, "PART_CONFLICT")


async def test_the_same_part_many_times_at_once_is_one_part(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    answers = await asyncio.gather(
        *(send_raw(ingest, upload_id, n, piece(DATA, n)) for n in (1, 2, 3) for _ in range(4))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert (await complete(ingest, upload_id)).status_code == 202


async def test_two_replicas_share_an_upload(
    ingest: RunningIngest, ingest_settings: IngestSettings
) -> None:
    async with running(ingest_settings) as other:
        upload_id = (await opened(ingest, DATA))["upload_id"]
        await send_raw(other, upload_id, 1, piece(DATA, 1))
        await send_raw(ingest, upload_id, 2, piece(DATA, 2))
        await send_raw(other, upload_id, 3, piece(DATA, 3))

        here, there = await asyncio.gather(complete(ingest, upload_id), complete(other, upload_id))

    assert here.status_code == there.status_code == 202
    assert here.json() == there.json()


async def test_a_restart_of_ingest_forgets_nothing(ingest_settings: IngestSettings) -> None:
    async with running(ingest_settings) as before:
        upload_id = (await opened(before, DATA))["upload_id"]
        await send_raw(before, upload_id, 1, piece(DATA, 1))
    async with running(ingest_settings) as after:
        assert (await status(after, upload_id))["missing_parts"] == [2, 3]
        for number in (2, 3):
            await send_raw(after, upload_id, number, piece(DATA, number))
        assert (await complete(after, upload_id)).status_code == 202


async def test_a_cancelled_upload_leaves_nothing(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    await send_raw(ingest, upload_id, 1, piece(DATA, 1))

    first = await ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}")
    second = await ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}")

    assert first.status_code == second.status_code == 204
    assert await ingest.is_empty()
    assert (await status(ingest, upload_id))["state"] == "cancelled"
    late = await send_raw(ingest, upload_id, 2, piece(DATA, 2))
    assert (late.status_code, late.json()["code"]) == (409, "UPLOAD_ENDED")
    done = await complete(ingest, upload_id)
    assert (done.status_code, done.json()["code"]) == (409, "UPLOAD_ENDED")


async def test_a_completed_upload_can_not_be_cancelled(ingest: RunningIngest) -> None:
    upload_id = await sent(ingest, DATA)
    document_id = (await complete(ingest, upload_id)).json()["document_id"]

    answer = await ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}")

    assert (answer.status_code, answer.json()["code"]) == (409, "UPLOAD_COMPLETED")
    assert answer.json()["document_id"] == document_id


async def test_complete_against_cancel_ends_in_one_of_the_two(ingest: RunningIngest) -> None:
    for _ in range(4):
        await one_of_complete_and_cancel(ingest)


async def one_of_complete_and_cancel(ingest: RunningIngest) -> None:
    upload_id = await sent(ingest, DATA)

    done, cancelled = await asyncio.gather(
        complete(ingest, upload_id), ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}")
    )

    if done.status_code == 202:
        assert cancelled.json()["code"] in {"UPLOAD_BUSY", "UPLOAD_COMPLETED"}
        document = f"/api/v1/documents/{done.json()['document_id']}"
        assert (await ingest.client.get(f"{document}/original")).content == DATA
        await ingest.client.delete(document)
    else:
        assert (done.status_code, done.json()["code"]) == (409, "UPLOAD_ENDED")
        assert cancelled.status_code == 204
    assert await ingest.keys() == []
    assert not await ingest.store.open_multiparts("")


async def test_open_uploads_are_listed_page_by_page(ingest: RunningIngest) -> None:
    made = [(await opened(ingest, DATA))["upload_id"] for _ in range(3)]
    await ingest.client.delete(f"{UPLOAD}/cancel/{made[1]}")

    first = (await ingest.client.get(f"{UPLOAD}/active", params={"limit": 1})).json()
    second = (
        await ingest.client.get(
            f"{UPLOAD}/active", params={"limit": 1, "cursor": first["next_cursor"]}
        )
    ).json()

    assert [each["upload_id"] for each in first["items"] + second["items"]] == [made[2], made[0]]
    assert second["next_cursor"] is None


async def test_somebody_elses_upload_is_not_found(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    bob = ingest.as_owner("bob")

    answers = [
        await send_raw(ingest, upload_id, 1, piece(DATA, 1), headers=bob),
        await complete(ingest, upload_id, headers=bob),
        await ingest.client.get(f"{UPLOAD}/status/{upload_id}", headers=bob),
        await ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}", headers=bob),
    ]

    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "UPLOAD_NOT_FOUND")}
    active = (await ingest.client.get(f"{UPLOAD}/active", headers=bob)).json()
    assert active["items"] == []


async def test_an_idempotency_key_opens_one_upload(ingest: RunningIngest) -> None:
    key = {"Idempotency-Key": "k"}
    first, second = await asyncio.gather(
        initiate(ingest, DATA, headers=key), initiate(ingest, DATA, headers=key)
    )
    other = await initiate(ingest, DATA, headers=key, filename="other.txt")

    assert first.json()["upload_id"] == second.json()["upload_id"]
    assert {"Idempotency-Replayed" in answer.headers for answer in (first, second)} == {True, False}
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(await ingest.store.open_multiparts("")) == 1


async def test_a_small_file_is_one_part(ingest: RunningIngest) -> None:
    upload_id = await sent(ingest, b"hello")

    done = await complete(ingest, upload_id)

    assert done.status_code == 202
    assert await ingest.store.get(original_key(UUID(done.json()["job_id"]))) == b"hello"
    assert MIB < PART
