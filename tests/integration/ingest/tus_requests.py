"""tus 1.0, spoken by hand."""

import base64
import hashlib
from typing import Any

import httpx
from tests.integration.ingest.chunks import MIB, PART, text
from tests.integration.ingest.serving import RunningIngest

from docyard_common.events.documents import DocumentAccepted

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
DATA = text(PART + 3 * MIB)


def metadata(**values: str) -> str:
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return ",".join(pairs)


def said(**values: str) -> dict[str, str]:
    """Return the headers of a creation of five bytes with this metadata."""
    return {"Upload-Length": "5", "Upload-Metadata": metadata(**values)}


NAMED = {"Upload-Metadata": metadata(filename="long.txt", filetype="text/plain")}


def sha1(data: bytes) -> str:
    return f"sha1 {base64.b64encode(hashlib.sha1(data).digest()).decode()}"


async def created(
    ingest: RunningIngest, size: int | None = len(DATA), **headers: str
) -> httpx.Response:
    length = {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ingest.client.post("/tus", headers={**TUS, **NAMED, **length, **named})


async def location(ingest: RunningIngest, size: int | None = len(DATA), **headers: str) -> str:
    answer = await created(ingest, size, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def patch(
    ingest: RunningIngest, url: str, offset: int, data: Any, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await ingest.client.patch(
        url, content=data, headers={**BYTES, "Upload-Offset": str(offset), **named}
    )


async def head(ingest: RunningIngest, url: str) -> httpx.Response:
    return await ingest.client.head(url, headers=TUS)


async def accepted(ingest: RunningIngest) -> list[DocumentAccepted]:
    return [fact for _, fact in await ingest.outbox() if isinstance(fact, DocumentAccepted)]
