"""Large files by the SDK through ingest: in parts, resumed, and known before a byte moves."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.ingest.chunks import MIB, PART, text
from tests.integration.ingest.serving import RunningIngest

from docyard import AsyncClient, Endpoints, RetryPolicy, UploadPolicy
from docyard.errors import RefusedError
from docyard_common.events.documents import DocumentAccepted

pytestmark = pytest.mark.integration

DATA = text(2 * PART + 3 * MIB)


@pytest.fixture
async def client(ingest: RunningIngest, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    url = str(ingest.client.base_url).rstrip("/")
    token = ingest.client.headers["authorization"].removeprefix("Bearer ")
    policy = UploadPolicy(via="chunked", resume_folder=tmp_path / "notes")
    retry = RetryPolicy(attempts=2, first_delay_s=0.0)
    endpoints = Endpoints(url, url, url, token=token)
    async with AsyncClient(endpoints, retry=retry, uploads=policy) as client:
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_bytes(DATA)
    return path


async def accepted(ingest: RunningIngest) -> list[DocumentAccepted]:
    return [fact for _, fact in await ingest.outbox() if isinstance(fact, DocumentAccepted)]


async def test_a_large_file_goes_in_parts_and_tells_how_far(
    ingest: RunningIngest, client: AsyncClient, file: Path, tmp_path: Path
) -> None:
    sent: list[int] = []

    done = await client.upload(file, on_bytes=sent.append)

    [fact] = await accepted(ingest)
    assert (str(fact.document_id), fact.filename) == (done.document_id, "long.txt")
    assert fact.sha256 == hashlib.sha256(DATA).hexdigest()
    assert sent[-1] == len(DATA)
    assert list((tmp_path / "notes").iterdir()) == []


class _StoppedError(Exception):
    """The caller has seen enough."""


async def test_what_was_interrupted_goes_on_with_what_is_missing(
    ingest: RunningIngest, client: AsyncClient, file: Path
) -> None:
    async def received() -> int:
        rows = await ingest.rows("select count(*) as parts from upload_parts")
        return int(rows[0]["parts"])

    def stop_behind_a_part(sent: int) -> None:
        if sent > PART + MIB:
            raise _StoppedError

    one_by_one = UploadPolicy(
        via="chunked",
        parallel_parts=1,
        resume_folder=file.parent / "notes",
    )
    first = AsyncClient(client._endpoints, uploads=one_by_one)  # noqa: SLF001 - the same server
    async with first:
        with pytest.raises(ExceptionGroup) as stopped:
            await first.upload(file, on_bytes=stop_behind_a_part)
    assert stopped.group_contains(_StoppedError)
    assert await received() == 1

    told: list[int] = []
    await client.upload(file, on_bytes=told.append)

    assert told[0] == PART
    assert await received() == 3
    assert len(await ingest.rows("select upload_id from uploads")) == 1
    assert len(await accepted(ingest)) == 1


async def test_a_file_that_changed_begins_anew(
    ingest: RunningIngest, client: AsyncClient, file: Path
) -> None:
    await client.upload(file)
    file.write_bytes(DATA[::-1])  # noqa: ASYNC240 - a test has nobody to wait for

    await client.upload(file)

    assert len({fact.sha256 for fact in await accepted(ingest)}) == 2


async def test_known_content_is_answered_before_a_byte_moves(
    ingest: RunningIngest, client: AsyncClient, file: Path
) -> None:
    first = await client.upload(file)

    again = await client.upload(file)

    assert (again.document_id, again.duplicate) == (first.document_id, True)
    assert len(await ingest.rows("select upload_id from uploads")) == 1


async def test_a_refused_file_leaves_no_note(client: AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "not-really.pdf"
    path.write_bytes(DATA)

    with pytest.raises(RefusedError) as refused:
        await client.upload(path)

    assert refused.value.code == "TYPE_MISMATCH"
    assert list((tmp_path / "notes").iterdir()) == []
