"""Equal content of one owner is kept once, and as long as anything lives on it."""

import asyncio
import hashlib

import httpx
import pytest
from tests.integration.ingest.chunks import PART, complete, initiate, opened, piece, send_raw, sent
from tests.integration.ingest.serving import RunningIngest

pytestmark = pytest.mark.integration

DATA = b"the same words again and again " * 500
SHA256 = hashlib.sha256(DATA).hexdigest()


async def test_known_content_is_answered_before_a_byte_moves(ingest: RunningIngest) -> None:
    first = (await ingest.upload(DATA)).json()["document_id"]

    answer = await initiate(ingest, DATA, sha256=SHA256.upper(), filename="other.txt")

    assert answer.status_code == 200
    assert (answer.json()["document_id"], answer.json()["duplicate"]) == (first, True)
    assert not await ingest.store.open_multiparts("")


async def test_another_owners_content_is_not_known(ingest: RunningIngest) -> None:
    await ingest.upload(DATA, headers=ingest.as_owner("bob"))

    assert (await initiate(ingest, DATA, sha256=SHA256)).status_code == 201


async def test_other_options_make_another_document(ingest: RunningIngest) -> None:
    await ingest.upload(DATA)

    answer = await initiate(ingest, DATA, sha256=SHA256, processing_options={"ocr": False})

    assert answer.status_code == 201


@pytest.mark.parametrize("state", ["failed", "cancelled"])
async def test_what_failed_may_be_tried_again(ingest: RunningIngest, state: str) -> None:
    await ingest.upload(DATA)
    await ingest.rows(f"update documents set state = '{state}' returning 1")

    assert (await initiate(ingest, DATA, sha256=SHA256)).status_code == 201


async def completed(ingest: RunningIngest, upload_id: str) -> httpx.Response:
    """Complete it as clients do: again where all connections wait for the others' commits."""
    while (answer := await complete(ingest, upload_id)).status_code == 503:
        pass
    return answer


async def test_fifty_uploads_of_one_content_at_once_end_in_one_document(
    ingest: RunningIngest,
) -> None:
    uploads = [await opened(ingest, DATA, sha256=SHA256) for _ in range(50)]
    await asyncio.gather(*(send_raw(ingest, u["upload_id"], 1, DATA) for u in uploads))

    answers = await asyncio.gather(*(completed(ingest, u["upload_id"]) for u in uploads))

    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert all(a.json()["duplicate"] for a in answers if a.status_code == 200)
    assert len(await ingest.keys()) == 1
    assert not await ingest.store.open_multiparts("")
    listed = (await ingest.client.get("/api/v1/documents")).json()
    assert len(listed["items"]) == 1


async def test_uploads_that_ask_for_nothing_are_documents_that_share_their_bytes(
    ingest: RunningIngest,
) -> None:
    forms = await asyncio.gather(*(ingest.upload(DATA, name=f"{n}.txt") for n in range(10)))
    chunked = await complete(ingest, await sent(ingest, DATA))

    ids = {answer.json()["document_id"] for answer in (*forms, chunked)}
    assert len(ids) == 11
    assert len(await ingest.keys()) == 1
    for document_id in ids:
        answer = await ingest.client.get(f"/api/v1/documents/{document_id}/original")
        assert answer.content == DATA


async def test_shared_bytes_go_with_the_last_document(ingest: RunningIngest) -> None:
    ids = [(await ingest.upload(DATA)).json()["document_id"] for _ in range(3)]

    for document_id in ids[:2]:
        await ingest.client.delete(f"/api/v1/documents/{document_id}")
    left = await ingest.client.get(f"/api/v1/documents/{ids[2]}/original")
    assert left.content == DATA
    await ingest.client.delete(f"/api/v1/documents/{ids[2]}")

    assert await ingest.keys() == []


async def test_deletes_and_uploads_of_one_content_at_once_lose_no_bytes(
    ingest: RunningIngest,
) -> None:
    for _ in range(4):
        old = [(await ingest.upload(DATA)).json()["document_id"] for _ in range(3)]
        new, *_ = await asyncio.gather(
            ingest.upload(DATA),
            *(ingest.client.delete(f"/api/v1/documents/{document_id}") for document_id in old),
        )
        document_id = new.json()["document_id"]
        answer = await ingest.client.get(f"/api/v1/documents/{document_id}/original")
        assert answer.content == DATA
        await ingest.client.delete(f"/api/v1/documents/{document_id}")
    assert await ingest.keys() == []


async def test_a_stated_sha256_that_is_wrong_leaves_nothing(ingest: RunningIngest) -> None:
    upload = await opened(ingest, DATA, sha256="0" * 64)
    await send_raw(ingest, upload["upload_id"], 1, piece(DATA, 1))

    first = await complete(ingest, upload["upload_id"])
    second = await complete(ingest, upload["upload_id"])

    assert (first.status_code, first.json()["code"]) == (422, "FILE_HASH_MISMATCH")
    assert (second.status_code, second.json()["code"]) == (409, "UPLOAD_ENDED")
    assert await ingest.is_empty()
    assert len(DATA) < PART
