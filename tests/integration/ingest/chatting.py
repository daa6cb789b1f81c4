"""Questions to documents: asked, waited for, and what the stages leave of a document."""

from functools import cache
from typing import Any
from uuid import UUID

import httpx
from tests.integration.ingest.generations import put_stage
from tests.integration.ingest.serving import RunningIngest, connected, tables
from tests.waiting import eventually

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.search import Chunk, IndexedDocument, PostgresSearchIndex
from docyard_common.search.embedding import Embedder
from docyard_common.search.embedding_model import embedding_model

UPLOAD = "/api/chat/upload/async"
PAGES = ("The landlord is Mr Miller.", "The tenant pays a rent of 700 euros every month.")
QUESTION = "rent euros month"

embedder = cache(Embedder.load)
"""The model, loaded once a process: that takes seconds."""


async def ask(
    ingest: RunningIngest, *, name: str = "contract.txt", headers: Any = None, **fields: str
) -> httpx.Response:
    return await ingest.client.post(
        UPLOAD,
        files={"file": (name, b"some text")},
        data={"session_id": "s1", **fields},
        headers=headers,
    )


async def asked(ingest: RunningIngest, **fields: str) -> UUID:
    answer = await ask(ingest, **fields)
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["data"]["jobId"])


async def status(ingest: RunningIngest, job_id: UUID) -> dict[str, Any]:
    answer = await ingest.client.get(f"/api/chat/upload/status/{job_id}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["success"] is True
    data: dict[str, Any] = body["data"]
    return data


async def answered(ingest: RunningIngest, job_id: UUID) -> dict[str, Any]:
    """The result, once it is there."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        found.update(await status(ingest, job_id))
        return bool(found["status"] == "completed")

    await eventually(is_there)
    result: dict[str, Any] = found["result"]
    return result


async def processed(ingest: RunningIngest, job_id: UUID, *, pages: tuple[str, ...] = PAGES) -> None:
    """Leave of the document what the stages leave."""
    key = artifacts.pages_key(job_id, 1, first=1, last=len(pages))
    told = [Page(number=n, text=text) for n, text in enumerate(pages, 1)]
    await ingest.store.put(key, artifacts.dump_pages(told))
    manifest = ExtractManifest(
        media_type="text/plain", page_count=len(pages), characters=80, extractor="test",
        batches=(PageBatch(first=1, last=len(pages), key=key),),
    )  # fmt: skip
    analysis = Analysis(language="en", language_confidence=1, summary="A contract on a flat.")
    await put_stage(ingest, job_id, "extract", manifest)
    await put_stage(ingest, job_id, "analyze", analysis)
    await indexed(ingest, job_id, pages)
    await ingest.rows(
        "with done as (update documents set state = 'completed', generation = 1"
        f" where document_id = '{job_id}' returning 1) select 1"
    )


async def indexed(ingest: RunningIngest, job_id: UUID, pages: tuple[str, ...]) -> None:
    vectors = embedder().embed(pages)
    chunks = [
        Chunk(n, text, n + 1, n + 1, None, vector)
        for n, (text, vector) in enumerate(zip(pages, vectors, strict=True))
    ]
    document = IndexedDocument(job_id, "ann", 1, "contract.txt", "text/plain", "en")
    async with connected(tables(ingest.settings, "search")) as database:
        index = PostgresSearchIndex(database, embedding_model=embedding_model().name)
        await index.replace(document, chunks)
