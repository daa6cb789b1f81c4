"""tus 1.0, spoken by hand: what the protocol says, and what it leaves to the server."""

import hashlib
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest
from tests.integration.ingest.chunks import MIB, PART
from tests.integration.ingest.core import core_of
from tests.integration.ingest.serving import RunningIngest, running
from tests.integration.ingest.tus_requests import (
    BYTES,
    DATA,
    NAMED,
    TUS,
    accepted,
    head,
    location,
    metadata,
    patch,
    sha1,
)

from docyard_common.database import Database
from ingest.uploads.tus import WholeUploads

pytestmark = pytest.mark.integration


async def test_options_tells_what_is_known_without_a_token(ingest: RunningIngest) -> None:
    async with httpx.AsyncClient(base_url=ingest.client.base_url) as stranger:
        answer = await stranger.options("/tus")

    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert "concatenation" in answer.headers["tus-extension"].split(",")
    assert answer.headers["tus-checksum-algorithm"].split(",")[0] == "sha1"
    assert int(answer.headers["tus-max-size"]) == ingest.settings.limits.max_file_bytes


async def test_the_last_byte_makes_the_document(ingest: RunningIngest) -> None:
    url = await location(ingest)

    first = await patch(ingest, url, 0, DATA[:MIB])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(MIB))
    assert "docyard-document-id" not in first.headers
    last = await patch(ingest, url, MIB, DATA[MIB:])

    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(DATA)))
    [fact] = await accepted(ingest)
    assert last.headers["docyard-document-id"] == str(fact.document_id)
    assert (fact.filename, fact.sha256) == ("long.txt", hashlib.sha256(DATA).hexdigest())
    assert await ingest.store.get(fact.object_key) == DATA
    assert await ingest.keys() == [fact.object_key]


async def test_head_tells_where_to_go_on(ingest: RunningIngest) -> None:
    url = await location(ingest)
    await patch(ingest, url, 0, DATA[: 2 * MIB])

    answer = await head(ingest, url)

    assert answer.status_code == 200
    assert answer.headers["upload-offset"] == str(2 * MIB)
    assert answer.headers["upload-length"] == str(len(DATA))
    assert answer.headers["upload-metadata"] == NAMED["Upload-Metadata"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["upload-expires"].endswith("GMT")


async def test_creation_takes_the_first_bytes(ingest: RunningIngest) -> None:
    answer = await ingest.client.post(
        "/tus",
        content=DATA[:MIB],
        headers={
            **BYTES,
            **NAMED,
            "Upload-Length": str(len(DATA)),
            "Upload-Checksum": sha1(DATA[:MIB]),
        },
    )

    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(MIB))
    assert (await patch(ingest, answer.headers["location"], MIB, DATA[MIB:])).status_code == 204
    assert len(await accepted(ingest)) == 1


async def test_a_deferred_length_is_told_with_the_last_bytes(ingest: RunningIngest) -> None:
    url = await location(ingest, None)
    assert (await head(ingest, url)).headers["upload-defer-length"] == "1"

    await patch(ingest, url, 0, b"hello ")
    answer = await patch(ingest, url, 6, b"world", Upload_Length="11")

    assert answer.status_code == 204
    [fact] = await accepted(ingest)
    assert fact.size_bytes == 11


async def test_terminating_frees_the_bytes(ingest: RunningIngest) -> None:
    url = await location(ingest)
    await patch(ingest, url, 0, DATA[: PART + MIB])

    answer = await ingest.client.delete(url, headers=TUS)

    assert answer.status_code == 204
    assert (await head(ingest, url)).status_code == 410
    assert await ingest.is_empty()


async def test_the_method_may_be_overridden(ingest: RunningIngest) -> None:
    url = await location(ingest, 5)

    answer = await ingest.client.post(
        url,
        content=b"hello",
        headers={**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
    )

    assert answer.status_code == 204
    assert len(await accepted(ingest)) == 1


async def test_partial_uploads_are_joined_into_one_document(ingest: RunningIngest) -> None:
    pieces = [DATA[: 3 * MIB], DATA[3 * MIB :]]
    urls = [await location(ingest, len(piece), Upload_Concat="partial") for piece in pieces]
    for url, piece in zip(reversed(urls), reversed(pieces), strict=True):
        assert (await patch(ingest, url, 0, piece)).status_code == 204
    assert await accepted(ingest) == []
    concat = {"Upload-Concat": f"final;{urls[0]} http://elsewhere.test{urls[1]}"}

    answer = await ingest.client.post("/tus", headers={**TUS, **NAMED, **concat})
    again = await ingest.client.post("/tus", headers={**TUS, **NAMED, **concat})

    assert answer.status_code == 201, answer.text
    assert again.headers["location"] == answer.headers["location"]
    [fact] = await accepted(ingest)
    assert fact.sha256 == hashlib.sha256(DATA).hexdigest()
    assert await ingest.keys() == [fact.object_key]
    told = await head(ingest, answer.headers["location"])
    assert told.headers["upload-concat"] == concat["Upload-Concat"]
    assert told.headers["upload-offset"] == str(len(DATA))
    added = await patch(ingest, answer.headers["location"], len(DATA), b"more")
    assert (added.status_code, added.json()["code"]) == (403, "UPLOAD_CONCATENATED")


async def test_what_is_not_whole_is_not_joined_and_stays(ingest: RunningIngest) -> None:
    url = await location(ingest, 10, Upload_Concat="partial")
    await patch(ingest, url, 0, b"12345")

    answer = await ingest.client.post(
        "/tus", headers={**TUS, **NAMED, "Upload-Concat": f"final;{url}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "PARTIAL_INVALID")
    assert (await patch(ingest, url, 5, b"67890")).status_code == 204


async def test_what_is_refused_as_a_whole_leaves_its_partial_uploads(
    ingest: RunningIngest,
) -> None:
    url = await location(ingest, 5, Upload_Concat="partial")
    await patch(ingest, url, 0, b"hello")
    named = {"Upload-Metadata": metadata(filename="not-really.pdf")}

    answer = await ingest.client.post(
        "/tus", headers={**TUS, **named, "Upload-Concat": f"final;{url}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "TYPE_MISMATCH")
    assert (await head(ingest, url)).headers["upload-offset"] == "5"
    assert await accepted(ingest) == []


async def test_replicas_take_turns_by_the_request(ingest: RunningIngest) -> None:
    async with running(ingest.settings) as other:
        url = await location(ingest)
        step = len(DATA) // 5 + 1
        for turn, offset in enumerate(range(0, len(DATA), step)):
            replica = (ingest, other)[turn % 2]
            answer = await patch(replica, url, offset, DATA[offset : offset + step])
            assert answer.status_code == 204, answer.text

    [fact] = await accepted(ingest)
    assert fact.sha256 == hashlib.sha256(DATA).hexdigest()


async def test_a_connection_that_breaks_costs_nothing_that_came(ingest: RunningIngest) -> None:
    url = await location(ingest)

    async def broken() -> AsyncIterator[bytes]:
        yield DATA[: 2 * MIB]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await patch(ingest, url, 0, broken())
    offset = 0
    while offset == 0:  # the server notices a moment later
        offset = int((await head(ingest, url)).headers["upload-offset"])

    answer = await patch(ingest, url, offset, DATA[offset:])
    assert answer.status_code == 204
    [fact] = await accepted(ingest)
    assert fact.sha256 == hashlib.sha256(DATA).hexdigest()


async def _whole_without_an_answer(ingest: RunningIngest) -> str:
    """Send every byte to an ingest that dies before it makes the document."""
    url = await location(ingest, None)
    await patch(ingest, url, 0, b"hello")
    database = ingest.settings.database.url.get_secret_value()
    async with await psycopg.AsyncConnection.connect(
        database, options="-c search_path=ingest"
    ) as connection:
        await connection.execute("update uploads set size_bytes = 5")
    return url


async def test_head_finishes_what_a_kill_behind_the_last_byte_left(
    ingest: RunningIngest,
) -> None:
    url = await _whole_without_an_answer(ingest)

    answer = await head(ingest, url)

    assert answer.headers["upload-offset"] == answer.headers["upload-length"] == "5"
    assert [str(fact.document_id) for fact in await accepted(ingest)] == [
        answer.headers["docyard-document-id"]
    ]


async def test_it_is_finished_when_nobody_asks(ingest: RunningIngest, database: Database) -> None:
    await _whole_without_an_answer(ingest)
    whole = WholeUploads(database=database, completer=core_of(ingest, database).completer)

    done = (await whole.complete(), await whole.complete())

    assert done == (1, 0)
    assert len(await accepted(ingest)) == 1


async def test_one_that_fails_as_nobody_has_foreseen_does_not_hold_up_the_others(
    ingest: RunningIngest, database: Database
) -> None:
    await _whole_without_an_answer(ingest)
    await ingest.rows("update uploads set declared_type = U&'text/plain; \\2603' returning 1")
    await _whole_without_an_answer(ingest)
    whole = WholeUploads(database=database, completer=core_of(ingest, database).completer)

    done = await whole.complete()

    assert done == 1
    assert len(await accepted(ingest)) == 1
