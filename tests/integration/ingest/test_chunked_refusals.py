"""What chunked uploads refuse: the documented code, and nothing left in the store."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.integration.ingest.chunks import (
    MIB,
    PART,
    UPLOAD,
    complete,
    opened,
    piece,
    send_form,
    send_raw,
    status,
    text,
)
from tests.integration.ingest.core import core_of
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_sweep import Later

from docyard_common.database import Database
from docyard_common.ids import uuid7
from ingest.errors import UploadBusyError
from ingest.tables import uploads
from ingest.uploads.chunk_form import PartClaim
from ingest.uploads.expiry import Expiry
from ingest.uploads.parts import PartReceiver

pytestmark = pytest.mark.integration

DATA = text(PART + MIB)


ANNOUNCEMENTS: list[tuple[dict[str, Any], int, str]] = [
    ({"filename": "a\x00b.txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "a\nb.txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "../../etc/passwd.txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "a\\b.txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "invoice\u202etxt.pdf"}, 422, "FILENAME_INVALID"),
    ({"filename": "a\u2066b.txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "ü" * 126 + ".txt"}, 422, "FILENAME_INVALID"),
    ({"filename": "x" * 252 + ".txt"}, 422, "FILENAME_INVALID"),
    ({"filename": ".."}, 422, "FILENAME_INVALID"),
    ({"filename": ""}, 422, "FILENAME_INVALID"),
    ({"filename": "a.exe"}, 415, "UNSUPPORTED_TYPE"),
    ({"filename": "a.pdf", "content_type": "image/png"}, 422, "TYPE_MISMATCH"),
    ({"file_size": 0}, 422, "EMPTY_FILE"),
    ({"file_size": -1}, 422, "VALIDATION_FAILED"),
    ({"file_size": 25 * MIB}, 413, "FILE_TOO_LARGE"),
    ({"file_size": 10**30}, 413, "FILE_TOO_LARGE"),
    ({"sha256": "abc"}, 422, "VALIDATION_FAILED"),
    ({"priority": "urgent"}, 422, "VALIDATION_FAILED"),
    ({"colour": "red"}, 422, "VALIDATION_FAILED"),
    ({"metadata": {"a": "\x00"}}, 422, "FIELD_INVALID"),
    ({"metadata": {"a": "x" * 20_000}}, 422, "FIELD_INVALID"),
    ({"processing_options": {"a" * 20_000: 1}}, 422, "FIELD_INVALID"),
]


async def test_an_announcement_is_refused_before_anything_is_stored(ingest: RunningIngest) -> None:
    for said, status_code, code in ANNOUNCEMENTS:
        for door in ("initiate", "presign"):
            body = {"filename": "a.txt", "file_size": 10, "content_type": None, **said}
            answer = await ingest.client.post(f"{UPLOAD}/{door}", json=body)

            assert (answer.status_code, answer.json()["code"]) == (status_code, code), said
    assert await ingest.is_empty()
    assert await ingest.rows("select * from uploads") == []


async def test_a_lone_surrogate_in_json_is_refused(ingest: RunningIngest) -> None:
    for member in (
        b'"filename": "\\ud800.txt"',
        b'"filename": "a.txt", "metadata": {"a": "\\udfff"}',
    ):
        answer = await ingest.client.post(
            f"{UPLOAD}/initiate",
            content=b'{"file_size": 10, ' + member + b"}",
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422


PARTS: list[tuple[int, bytes, int, str]] = [
    (0, b"x", 422, "PART_NUMBER_INVALID"),
    (-1, b"x", 422, "PART_NUMBER_INVALID"),
    (3, b"x", 422, "PART_NUMBER_INVALID"),
    (10_001, b"x", 422, "PART_NUMBER_INVALID"),
    (10**12, b"x", 422, "PART_NUMBER_INVALID"),
    (1, b"", 422, "PART_SIZE_INVALID"),
    (1, text(5), 422, "PART_SIZE_INVALID"),
    (1, text(PART - 1), 422, "PART_SIZE_INVALID"),
    (1, text(PART + 1), 413, "PART_TOO_LARGE"),
    (2, text(MIB - 1), 422, "PART_SIZE_INVALID"),
    (2, text(MIB + 1), 413, "PART_TOO_LARGE"),
]


async def test_a_part_that_does_not_fit_is_refused(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]

    for number, data, status_code, code in PARTS:
        by_form = await send_form(ingest, upload_id, number, data)
        raw = await send_raw(ingest, upload_id, number, data)

        assert (by_form.status_code, by_form.json()["code"]) == (status_code, code), number
        assert (raw.status_code, raw.json()["code"]) == (status_code, code), number
        assert raw.json()["upload_id"] == upload_id
    await left_behind_is_nothing(ingest, upload_id)


FORMS: list[tuple[dict[str, str], str]] = [
    ({"total_parts": "3"}, "TOTAL_PARTS_MISMATCH"),
    ({"total_parts": "10001"}, "TOTAL_PARTS_MISMATCH"),
    ({"is_final_chunk": "true"}, "TOTAL_PARTS_MISMATCH"),
    ({"is_final_chunk": "perhaps"}, "FIELD_INVALID"),
    ({"total_parts": "two"}, "FIELD_INVALID"),
    ({"part_number": "²"}, "FIELD_INVALID"),
    ({"part_number": ""}, "FIELD_INVALID"),
    ({"upload_id": "mine"}, "FIELD_INVALID"),
    ({"chunk_hash": "abc"}, "CHUNK_HASH_INVALID"),
    ({"chunk_hash": "z" * 64}, "CHUNK_HASH_INVALID"),
    ({"colour": "red"}, "UNKNOWN_FIELD"),
]


async def test_a_form_that_contradicts_itself_is_refused(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]

    for fields, code in FORMS:
        said = {"upload_id": upload_id, "part_number": "1", **fields}
        answer = await ingest.client.post(
            f"{UPLOAD}/chunk", data=said, files={"chunk_file": ("blob", piece(DATA, 1))}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, code), fields
    await left_behind_is_nothing(ingest, upload_id)


HASHES = [
    {"Content-MD5": "no base64!"},
    {"Content-MD5": "YWJj"},
    {"Content-Digest": "sha-256=abc"},
    {"Content-Digest": "sha-256=:YWJj:"},
    {"Repr-Digest": "sha-512=:YWJj:"},
]


async def test_a_hash_that_is_none_is_refused(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]

    for headers in HASHES:
        answer = await send_raw(ingest, upload_id, 1, piece(DATA, 1), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "CHUNK_HASH_INVALID"), headers


async def test_unknown_digest_algorithms_are_passed_over(ingest: RunningIngest) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    headers = {"Content-Digest": "unixsum=:YWJj:"}

    assert (await send_raw(ingest, upload_id, 1, piece(DATA, 1), headers=headers)).is_success


async def test_a_first_part_that_is_not_what_it_says_ends_the_upload(
    ingest: RunningIngest,
) -> None:
    upload_id = (await opened(ingest, DATA, filename="a.pdf", content_type=None))["upload_id"]
    await send_raw(ingest, upload_id, 2, piece(DATA, 2))

    refused = await send_raw(ingest, upload_id, 1, piece(DATA, 1))

    assert (refused.status_code, refused.json()["code"]) == (422, "TYPE_MISMATCH")
    assert await ingest.is_empty()
    known = await status(ingest, upload_id)
    assert (known["state"], known["refusal"]) == ("refused", "TYPE_MISMATCH")
    late = await send_raw(ingest, upload_id, 2, piece(DATA, 2))
    assert (late.status_code, late.json()["code"]) == (409, "UPLOAD_ENDED")


async def test_a_bad_first_part_takes_nothing_from_an_upload_that_is_being_completed(
    ingest: RunningIngest, database: Database
) -> None:
    upload_id = UUID((await opened(ingest, DATA, filename="a.pdf", content_type=None))["upload_id"])
    core = core_of(ingest, database)
    upload = await core.sessions.find(upload_id, owner="ann")
    async with database.transaction() as tx:
        assert await uploads.claim(tx, upload_id, holder=uuid7())

    with pytest.raises(UploadBusyError):
        await PartReceiver(desk=core.desk, sessions=core.sessions).store(
            upload, PartClaim(1), [piece(DATA, 1)]
        )

    assert len(await ingest.store.open_multiparts("")) == 1


async def test_an_upload_that_nobody_goes_on_with_expires(
    ingest: RunningIngest, database: Database
) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    await send_raw(ingest, upload_id, 1, piece(DATA, 1))

    def expiry(**later: float) -> Expiry:
        return Expiry(database=database, store=ingest.store, clock=Later(timedelta(**later)))

    assert await expiry(hours=23).expire() == 0
    assert await expiry(hours=25).expire() == 1

    assert await ingest.is_empty()
    for answer in (
        await send_raw(ingest, upload_id, 2, piece(DATA, 2)),
        await complete(ingest, upload_id),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "UPLOAD_EXPIRED")


async def test_an_interrupted_end_is_finished_by_the_sweep(
    ingest: RunningIngest, database: Database
) -> None:
    upload_id = (await opened(ingest, DATA))["upload_id"]
    await send_raw(ingest, upload_id, 1, piece(DATA, 1))
    await ingest.rows("update uploads set state = 'cancelled', ended_at = now() returning 1")

    expiry = Expiry(database=database, store=ingest.store, clock=Later(timedelta(minutes=2)))

    assert await expiry.clear() == 1
    assert await expiry.clear() == 0
    assert await ingest.is_empty()


async def test_an_unknown_upload_is_not_found(ingest: RunningIngest) -> None:
    answer = await send_raw(ingest, str(uuid7()), 1, b"x")
    assert (answer.status_code, answer.json()["code"]) == (404, "UPLOAD_NOT_FOUND")


async def left_behind_is_nothing(ingest: RunningIngest, upload_id: str) -> None:
    assert (await status(ingest, upload_id))["received_parts"] == []
    assert (await ingest.client.delete(f"{UPLOAD}/cancel/{upload_id}")).status_code == 204
    assert await ingest.is_empty()
