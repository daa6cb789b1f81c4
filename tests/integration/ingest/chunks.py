"""What tests of chunked uploads do again and again."""

import hashlib
from typing import Any

import httpx
from tests.integration.ingest.serving import RunningIngest

UPLOAD = "/api/v1/documents/upload"
MIB = 1024 * 1024
PART = 8 * MIB


def text(size: int, seed: str = "seed") -> bytes:
    """Return printable bytes that compress to nothing and repeat nowhere."""
    return hashlib.shake_256(seed.encode()).hexdigest(size // 2 + 1).encode()[:size]


async def initiate(
    ingest: RunningIngest, data: bytes, *, headers: dict[str, str] | None = None, **said: Any
) -> httpx.Response:
    body = {
        "filename": "big.txt",
        "file_size": len(data),
        "content_type": "text/plain",
        "document_type": "text",
        "processing_options": {},
        "priority": "normal",
        **said,
    }
    return await ingest.client.post(f"{UPLOAD}/initiate", json=body, headers=headers)


async def opened(ingest: RunningIngest, data: bytes, **said: Any) -> dict[str, Any]:
    answer = await initiate(ingest, data, **said)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def piece(data: bytes, number: int) -> bytes:
    return data[(number - 1) * PART : number * PART]


async def send_form(
    ingest: RunningIngest, upload_id: str, number: int, data: bytes, **fields: str
) -> httpx.Response:
    return await ingest.client.post(
        f"{UPLOAD}/chunk",
        data={"upload_id": upload_id, "part_number": str(number), **fields},
        files={"chunk_file": ("blob", data)},
    )


async def send_raw(
    ingest: RunningIngest,
    upload_id: str,
    number: int,
    data: bytes,
    *,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    return await ingest.client.put(
        f"{UPLOAD}/{upload_id}/parts/{number}", content=data, headers=headers
    )


async def complete(
    ingest: RunningIngest, upload_id: str, *, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await ingest.client.post(f"{UPLOAD}/complete/{upload_id}", headers=headers)


async def status(ingest: RunningIngest, upload_id: str) -> dict[str, Any]:
    answer = await ingest.client.get(f"{UPLOAD}/status/{upload_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def sent(ingest: RunningIngest, data: bytes, **said: Any) -> str:
    """Open an upload and send all of its parts; return its id."""
    upload = await opened(ingest, data, **said)
    for number in range(1, upload["total_parts"] + 1):
        answer = await send_raw(ingest, upload["upload_id"], number, piece(data, number))
        assert answer.status_code == 200, answer.text
    upload_id: str = upload["upload_id"]
    return upload_id
