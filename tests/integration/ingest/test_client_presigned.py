"""Large files by the SDK and the command line, straight into the store where it can be reached."""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.ingest.chunks import MIB, PART, text
from tests.integration.ingest.serving import RunningIngest, running

from docyard import AsyncClient, Endpoints, RetryPolicy, UnreachableError, UploadPolicy
from docyard.uploads import Via
from ingest.settings import IngestSettings, UploadSettings

pytestmark = pytest.mark.integration

DATA = text(2 * PART + 3 * MIB)
SHA256 = hashlib.sha256(DATA).hexdigest()
NOBODY = "http://127.0.0.1:1"

Serve = Callable[..., AbstractAsyncContextManager[RunningIngest]]


@pytest.fixture
def ingest_settings(ingest_settings: IngestSettings) -> IngestSettings:
    uploads = UploadSettings(presign_parts_above_bytes=8 * MIB)
    return ingest_settings.model_copy(update={"uploads": uploads})


@pytest.fixture
def serve(ingest_settings: IngestSettings) -> Serve:
    """Start an ingest that tells clients to find the store at *store_at*."""

    @asynccontextmanager
    async def serve(store_at: str) -> AsyncIterator[RunningIngest]:
        store = ingest_settings.object_store.model_copy(update={"public_endpoint": store_at})
        async with running(ingest_settings.model_copy(update={"object_store": store})) as ingest:
            yield ingest

    return serve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_bytes(DATA)
    return path


def client_of(ingest: RunningIngest, notes: Path, via: Via | None = None) -> AsyncClient:
    url = str(ingest.client.base_url).rstrip("/")
    token = ingest.client.headers["authorization"].removeprefix("Bearer ")
    policy = UploadPolicy(
        chunked_above_bytes=MIB, parallel_parts=1, resume_folder=notes / "notes", via=via
    )
    retry = RetryPolicy(attempts=2, first_delay_s=0.0)
    return AsyncClient(Endpoints(url, url, url, token=token), retry=retry, uploads=policy)


async def modes(ingest: RunningIngest) -> list[tuple[str, str]]:
    rows = await ingest.rows("select mode, state from uploads order by upload_id")
    return [(row["mode"], row["state"]) for row in rows]


async def stored_sha256(ingest: RunningIngest) -> list[str]:
    return [row["sha256"] for row in await ingest.rows("select sha256 from documents")]


@pytest.mark.parametrize("size", [len(DATA), 2 * MIB])
async def test_a_large_file_goes_straight_into_the_store(
    ingest: RunningIngest, file: Path, size: int
) -> None:
    """In parts, or in one piece; either way what lies there is the file."""
    file.write_bytes(DATA[:size])  # noqa: ASYNC240 - a test has nobody to wait for
    sent: list[int] = []

    async with client_of(ingest, file.parent) as client:
        done = await client.upload(file, on_bytes=sent.append)

    sha256 = hashlib.sha256(DATA[:size]).hexdigest()
    assert (done.via, done.sha256) == ("presigned", sha256)
    assert sent[-1] == size
    assert await modes(ingest) == [("presigned", "completed")]
    assert await stored_sha256(ingest) == [sha256]
    assert list((file.parent / "notes").iterdir()) == []


class _StoppedError(Exception):
    """The caller has seen enough."""


async def test_what_was_interrupted_goes_on_with_what_is_missing(
    ingest: RunningIngest, file: Path
) -> None:
    def stop_behind_a_part(sent: int) -> None:
        if sent > PART + MIB:
            raise _StoppedError

    async with client_of(ingest, file.parent) as first:
        with pytest.raises(ExceptionGroup) as stopped:
            await first.upload(file, on_bytes=stop_behind_a_part)
    assert stopped.group_contains(_StoppedError)
    told: list[int] = []
    async with client_of(ingest, file.parent) as second:
        await second.upload(file, on_bytes=told.append)

    assert told[0] == PART
    assert await modes(ingest) == [("presigned", "completed")]
    assert await stored_sha256(ingest) == [SHA256]


async def test_what_has_begun_through_ingest_goes_on_there(
    ingest: RunningIngest, file: Path
) -> None:
    def stop_behind_a_part(sent: int) -> None:
        if sent > PART + MIB:
            raise _StoppedError

    async with client_of(ingest, file.parent, via="chunked") as first:
        with pytest.raises(ExceptionGroup):
            await first.upload(file, on_bytes=stop_behind_a_part)
    async with client_of(ingest, file.parent) as second:
        done = await second.upload(file)

    assert done.via == "chunked"
    assert await modes(ingest) == [("chunked", "completed")]


async def test_a_store_out_of_reach_is_tried_once_and_costs_nothing(
    serve: Serve, file: Path
) -> None:
    other = file.with_name("other.txt")
    other.write_bytes(DATA[::-1])

    async with serve(NOBODY) as ingest, client_of(ingest, file.parent) as client:
        done = [await client.upload(path) for path in (file, other)]

        assert [each.via for each in done] == ["chunked", "chunked"]
        assert await modes(ingest) == [
            ("presigned", "cancelled"),
            ("chunked", "completed"),
            ("chunked", "completed"),
        ]
        assert await ingest.store.open_multiparts("") == []


async def test_what_answers_and_is_no_store_is_not_believed(serve: Serve, file: Path) -> None:
    async with (
        serve(NOBODY) as somebody,
        serve(f"http://127.0.0.1:{somebody.port}") as ingest,
        client_of(ingest, file.parent) as client,
    ):
        done = await client.upload(file)

        assert done.via == "chunked"
        assert await stored_sha256(ingest) == [SHA256]


async def test_who_insists_on_the_store_is_told_that_it_is_out_of_reach(
    serve: Serve, file: Path
) -> None:
    async with serve(NOBODY) as ingest, client_of(ingest, file.parent, via="presigned") as client:
        with pytest.raises(UnreachableError, match=NOBODY):
            await client.upload(file)

        assert await modes(ingest) == [("presigned", "cancelled")]


async def command(ingest: RunningIngest, file: Path, *options: str) -> tuple[int, str, str]:
    """Give the command; return its exit code, and what it wrote."""
    environment = os.environ | {
        "DOCYARD_URL": f"http://127.0.0.1:{ingest.port}",
        "DOCYARD_TOKEN": ingest.client.headers["authorization"].removeprefix("Bearer "),
        "XDG_STATE_HOME": str(file.parent / "state"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "docyard", "upload", "--json", str(file), *options),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def docyard_upload(ingest: RunningIngest, file: Path, *options: str) -> dict[str, Any]:
    """Give the command; return what it tells of the file."""
    code, output, errors = await command(ingest, file, *options)
    assert code == 0, errors
    [item] = json.loads(output)["items"]
    return dict(item)


@pytest.mark.parametrize("via", ["simple", "chunked", "presigned"])
async def test_the_command_line_takes_the_way_it_is_told(
    ingest: RunningIngest, file: Path, via: str
) -> None:
    told = await docyard_upload(ingest, file, "--via", via)

    assert (told["via"], told["sha256"]) == (via, SHA256)
    assert await stored_sha256(ingest) == [SHA256]


async def test_the_command_line_finds_the_way_when_the_store_is_out_of_reach(
    ingest_settings: IngestSettings, file: Path
) -> None:
    """By itself it goes through ingest; told to use the store, it fails and sends nothing."""
    data = text(33 * MIB)
    file.write_bytes(data)  # noqa: ASYNC240 - a test has nobody to wait for
    store = ingest_settings.object_store.model_copy(update={"public_endpoint": NOBODY})
    limits = ingest_settings.limits.model_copy(update={"max_file_bytes": 64 * MIB})
    settings = ingest_settings.model_copy(update={"object_store": store, "limits": limits})

    async with running(settings) as ingest:
        code, output, _ = await command(ingest, file, "--via", "presigned")
        [unsent] = json.loads(output)["items"]
        assert (code, unsent["document_id"]) == (1, None)
        assert NOBODY in unsent["error"]["detail"]

        told = await docyard_upload(ingest, file)

        assert (told["via"], told["sha256"]) == ("chunked", hashlib.sha256(data).hexdigest())
        assert await stored_sha256(ingest) == [told["sha256"]]
