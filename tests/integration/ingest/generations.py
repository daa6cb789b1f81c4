"""Generations of a document: asked for, ended, and what their stages leave."""

from datetime import UTC, datetime
from uuid import UUID

import httpx
from pydantic import BaseModel
from tests.integration.ingest.serving import RunningIngest

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.events import sequence
from docyard_common.events.documents import DocumentCancelled, DocumentCompleted

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DOCUMENTS = "/api/v1/documents"


def completed(document_id: UUID, generation: int, *, version: int = 1) -> DocumentCompleted:
    return DocumentCompleted(
        document_id=document_id, owner="ann", generation=generation,
        seq=sequence.terminal(generation), completed_at=NOW, pipeline_version=version,
    )  # fmt: skip


def cancelled(document_id: UUID, generation: int) -> DocumentCancelled:
    return DocumentCancelled(
        document_id=document_id, owner="ann", generation=generation,
        seq=sequence.terminal(generation), cancelled_at=NOW,
    )  # fmt: skip


async def put_stage(
    ingest: RunningIngest,
    document_id: UUID,
    stage: str,
    artifact: BaseModel,
    *,
    generation: int = 1,
) -> None:
    key = artifacts.manifest_key(document_id, generation, stage)
    await ingest.store.put(key, artifacts.dump(artifact))


async def put_result(ingest: RunningIngest, document_id: UUID, generation: int, text: str) -> None:
    key = artifacts.pages_key(document_id, generation, first=1, last=1)
    await ingest.store.put(key, artifacts.dump_pages([Page(number=1, text=text)]))
    manifest = ExtractManifest(
        media_type="text/plain", page_count=1, characters=len(text), extractor="text",
        batches=(PageBatch(first=1, last=1, key=key),),
    )  # fmt: skip
    analysis = Analysis(language="en", language_confidence=1.0)
    await put_stage(ingest, document_id, "extract", manifest, generation=generation)
    await put_stage(ingest, document_id, "analyze", analysis, generation=generation)


async def reprocess(
    ingest: RunningIngest, document_id: UUID, *, headers: dict[str, str] | None = None, **body: str
) -> httpx.Response:
    url = f"{DOCUMENTS}/{document_id}/reprocess"
    return await ingest.client.post(url, json=body, headers=headers)
