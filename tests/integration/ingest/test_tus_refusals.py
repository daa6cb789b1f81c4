"""What a tus client must not say, and what it hears."""

import pytest
from tests.integration.ingest.chunks import MIB
from tests.integration.ingest.serving import RunningIngest, running
from tests.integration.ingest.tus_requests import (
    BYTES,
    DATA,
    TUS,
    created,
    head,
    location,
    metadata,
    patch,
    said,
    sha1,
)

pytestmark = pytest.mark.integration

CREATIONS = [
    ({"Upload-Length": "x"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "-1"}, 400, "TUS_HEADER_INVALID"),
    ({}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "5", "Upload-Metadata": "filename =="}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "5", "Upload-Concat": "final"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Concat": "final;/tus/nothing"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "0"}, 422, "EMPTY_FILE"),
    ({"Upload-Length": str(10**15)}, 413, "FILE_TOO_LARGE"),
    (
        said(filename="a.exe"),
        415,
        "UNSUPPORTED_TYPE",
    ),
    (
        said(filename="../a.txt"),
        422,
        "FILENAME_INVALID",
    ),
    (
        said(filename="a\u202etxt"),
        422,
        "FILENAME_INVALID",
    ),
    (said(priority="now"), 422, "FIELD_INVALID"),
    (said(filetype="text/plain; \u2603"), 422, "FIELD_INVALID"),
    (said(filetype="text/plain;\x00"), 422, "FIELD_INVALID"),
    (said(type="text/plain\r\nx: y"), 422, "FIELD_INVALID"),
    (
        said(processing_options="[]"),
        422,
        "FIELD_INVALID",
    ),
    ({"Upload-Length": "5", "Tus-Resumable": "0.2.2"}, 412, "TUS_VERSION_UNSUPPORTED"),
]

PATCHES = [
    ({"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ({"Upload-Offset": "first"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Checksum": "sha3 AAAA"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Checksum": "sha1 AAAA"}, 400, "TUS_HEADER_INVALID"),
    ({"Upload-Length": "99"}, 413, "PART_TOO_LARGE"),
    ({"Tus-Resumable": "2.0.0"}, 412, "TUS_VERSION_UNSUPPORTED"),
]


async def test_a_creation_that_makes_no_sense_is_refused(ingest: RunningIngest) -> None:
    for headers, status, code in CREATIONS:
        answer = await ingest.client.post("/tus", headers={**TUS, **headers})

        assert (answer.status_code, answer.json()["code"]) == (status, code), headers
        assert answer.headers["tus-resumable"] == "1.0.0"
    assert await ingest.is_empty()


async def test_a_patch_that_makes_no_sense_changes_nothing(ingest: RunningIngest) -> None:
    url = await location(ingest, 5)

    for headers, status, code in PATCHES:
        answer = await ingest.client.patch(
            url, content=b"hello", headers={**BYTES, "Upload-Offset": "0", **headers}
        )

        assert (answer.status_code, answer.json()["code"]) == (status, code), headers
        assert (await head(ingest, url)).headers["upload-offset"] == "0"


async def test_a_wrong_offset_is_a_conflict_that_changes_nothing(ingest: RunningIngest) -> None:
    url = await location(ingest)
    await patch(ingest, url, 0, DATA[:MIB])

    answer = await patch(ingest, url, 5, DATA[5:MIB])

    assert (answer.status_code, answer.json()["code"]) == (409, "OFFSET_MISMATCH")
    assert (await head(ingest, url)).headers["upload-offset"] == str(MIB)


async def test_a_wrong_checksum_is_460_and_counts_for_nothing(ingest: RunningIngest) -> None:
    url = await location(ingest)

    answer = await patch(ingest, url, 0, DATA[:MIB], Upload_Checksum=sha1(b"other"))

    assert (answer.status_code, answer.json()["code"]) == (460, "CHUNK_HASH_MISMATCH")
    assert (await head(ingest, url)).headers["upload-offset"] == "0"
    good = await patch(ingest, url, 0, DATA[:MIB], Upload_Checksum=sha1(DATA[:MIB]))
    assert good.status_code == 204


async def test_more_than_was_announced_is_refused(ingest: RunningIngest) -> None:
    url = await location(ingest, 10)

    answer = await patch(ingest, url, 0, b"eleven byte")

    assert (answer.status_code, answer.json()["code"]) == (413, "PART_TOO_LARGE")
    assert (await head(ingest, url)).headers["upload-offset"] == "0"


async def test_content_that_is_not_what_its_name_says_ends_the_upload(
    ingest: RunningIngest,
) -> None:
    url = await location(
        ingest, 20_000, Upload_Metadata=metadata(filename="a.pdf", filetype="application/pdf")
    )

    answer = await patch(ingest, url, 0, DATA[:20_000])

    assert (answer.status_code, answer.json()["code"]) == (422, "TYPE_MISMATCH")
    assert (await head(ingest, url)).status_code == 410
    assert await ingest.is_empty()


async def test_somebody_elses_upload_is_not_there(ingest: RunningIngest) -> None:
    url, bob = await location(ingest, 5), ingest.as_owner("bob")

    answers = [
        await ingest.client.head(url, headers={**TUS, **bob}),
        await ingest.client.patch(
            url, content=b"hello", headers={**BYTES, **bob, "Upload-Offset": "0"}
        ),
        await ingest.client.delete(url, headers={**TUS, **bob}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (await head(ingest, url)).headers["upload-offset"] == "0"


async def test_an_owner_may_have_no_more_open_than_allowed(ingest: RunningIngest) -> None:
    limits = ingest.settings.limits.model_copy(update={"max_uploads_in_flight": 1})
    settings = ingest.settings.model_copy(update={"limits": limits})
    async with running(settings) as strict:
        await location(strict, 5)
        answer = await created(strict, 5)

    assert (answer.status_code, answer.json()["code"]) == (429, "TOO_MANY_UPLOADS")
