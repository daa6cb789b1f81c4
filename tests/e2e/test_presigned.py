"""A file put straight into the store becomes a document though nobody completes it."""

import hashlib
from collections.abc import Callable

import httpx
import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

UPLOAD = "/api/v1/documents/upload"
DATA = b"Put straight into the store, and found by its event. " * 200


async def test_the_stores_event_alone_makes_a_document(admit: Callable[..., Person]) -> None:
    async with admit().http() as ingest, httpx.AsyncClient(trust_env=False) as store:
        said = {
            "filename": "straight.txt",
            "file_size": len(DATA),
            "content_type": "text/plain",
            "sha256": hashlib.sha256(DATA).hexdigest(),
        }
        answer = await ingest.post(f"{UPLOAD}/presign", json=said)
        assert answer.status_code == 201, answer.text
        signed = answer.json()

        put = await store.put(signed["url"], content=DATA, headers=signed["headers"])
        assert put.status_code == 200, put.text

        async def completed() -> bool:
            document = await ingest.get(f"/api/v1/documents/{signed['document_id']}")
            return document.is_success and document.json()["state"] == "completed"

        await eventually(completed, within_s=50)  # the sweep would take longer to look
