"""Presigned URLs for clients that reach the store elsewhere than ingest does, and for browsers."""

import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.ingest.chunks import UPLOAD, complete, text
from tests.integration.ingest.serving import RunningIngest, running
from tests.integration.ingest.test_client_presigned import client_of
from tests.integration.ingest.tls_proxy import certificate, tls_proxy

from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration

DATA = text(2_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
PAGE = "https://app.example"


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)


@pytest.fixture
async def public(ingest_settings: IngestSettings, pem: Path) -> AsyncIterator[RunningIngest]:
    """An ingest that reaches the store directly, and whose clients do through the proxy."""
    store = ingest_settings.object_store
    async with tls_proxy(store.endpoint, pem) as address:
        told = store.model_copy(update={"public_endpoint": address})
        async with running(ingest_settings.model_copy(update={"object_store": told})) as ingest:
            yield ingest


async def presign(ingest: RunningIngest) -> dict[str, Any]:
    said = {
        "filename": "a.txt",
        "file_size": len(DATA),
        "content_type": "text/plain",
        "sha256": SHA256,
    }
    answer = await ingest.client.post(f"{UPLOAD}/presign", json=said)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_what_is_signed_for_the_public_address_holds_behind_a_proxy(
    public: RunningIngest, pem: Path
) -> None:
    signed = await presign(public)
    assert signed["url"].startswith("https://localhost:")

    trusting = ssl.create_default_context(cafile=str(pem))
    async with httpx.AsyncClient(verify=trusting, trust_env=False, timeout=60) as browser:
        put = await browser.put(signed["url"], content=DATA, headers=signed["headers"])
    done = await complete(public, signed["upload_id"])

    assert put.status_code == 200, put.text
    assert done.status_code == 202
    [row] = await public.rows("select sha256 from documents")
    assert row["sha256"] == SHA256


async def test_a_certificate_that_nobody_trusts_sends_the_file_through_ingest(
    public: RunningIngest, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(DATA)

    async with client_of(public, tmp_path) as client:
        done = await client.upload(file)

    assert (done.via, done.sha256) == ("chunked", SHA256)


async def test_a_page_of_another_origin_may_put_into_the_embedded_store(
    ingest: RunningIngest,
) -> None:
    """Browsers ask before they put, and read the ETag of a part only where it is exposed."""
    signed = await presign(ingest)
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(sorted(map(str.lower, signed["headers"]))),
    }

    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.options(signed["url"], headers=asked)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] in {PAGE, "*"}
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name.lower() in allowed for name in signed["headers"])
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
