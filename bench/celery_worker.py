"""The same stages as Celery tasks: `celery -A bench.celery_worker worker`.

The same library work on the same stores, in the way Celery is used: four tasks in a chain, JSON
messages, acknowledged late. It keeps no facts, no fence and no outbox, and tells nobody how far a
document is.
"""

import hashlib
import io
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery
from celery.signals import worker_process_init
from minio import Minio

from docyard_common import artifacts
from docyard_common.events.stages import Stage
from docyard_common.search import statements
from docyard_common.search.embedding_model import embedding_model
from docyard_common.search.port import Chunk, IndexedDocument
from docyard_common.search.postgres import chunk_row, document_row
from processor.stages.run import preload, run_stage
from processor.stages.task import (
    Analyzed,
    Extracted,
    FoundMember,
    Indexed,
    MemberData,
    PagesReady,
    Progress,
    StageTask,
)

OWNER = "celery"

app = Celery("bench", broker=os.environ.get("BENCH_REDIS"))
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=4,
    broker_connection_retry_on_startup=True,
)


class Collected:
    """What a stage reports; ticks go nowhere."""

    def __init__(self) -> None:
        self.batches: list[PagesReady] = []

    def progress(self, progress: Progress) -> None:
        del progress

    def member(self, told: MemberData | FoundMember) -> None: ...

    def pages(self, batch: PagesReady) -> None:
        self.batches.append(batch)


@cache
def store() -> Minio:
    return Minio(
        endpoint=os.environ["BENCH_ENDPOINT"],
        access_key=os.environ["BENCH_ACCESS_KEY"],
        secret_key=os.environ["BENCH_SECRET_KEY"],
        secure=False,
        region="us-east-1",
    )


@cache
def database() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["BENCH_DATABASE"])


def get(key: str) -> bytes:
    with store().get_object(os.environ["BENCH_BUCKET"], key) as response:
        return response.read()


def put(key: str, data: bytes) -> None:
    store().put_object(os.environ["BENCH_BUCKET"], key, io.BytesIO(data), len(data))


def validate(document: dict[str, Any]) -> dict[str, Any]:
    data = get(document["key"])
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        digest = hashlib.sha256(data).hexdigest()
        task = _task(Stage.VALIDATE, document, input=Path(file.name), sha256_read=digest)
        run_stage(task, Collected())
    return document


def extract(document: dict[str, Any]) -> dict[str, Any]:
    collected = Collected()
    with tempfile.NamedTemporaryFile() as file:
        file.write(get(document["key"]))
        file.flush()
        result = run_stage(_task(Stage.EXTRACT, document, input=Path(file.name)), collected)
    assert isinstance(result, Extracted)
    keys = [f"{document['key']}.pages.{batch.first}" for batch in collected.batches]
    for key, batch in zip(keys, collected.batches, strict=True):
        put(key, batch.data)
    manifest = artifacts.ExtractManifest(
        media_type=result.media_type.value,
        page_count=result.page_count,
        characters=result.characters,
        extractor=result.extractor,
        metadata=result.metadata,
    )
    put(f"{document['key']}.manifest", artifacts.dump(manifest))
    if result.thumbnail is not None:
        put(f"{document['key']}.thumbnail", result.thumbnail)
    return document | {"pages": keys, "type": result.media_type.value}


def analyze(document: dict[str, Any]) -> dict[str, Any]:
    result = _on_pages(Stage.ANALYZE, document)
    assert isinstance(result, Analyzed)
    put(f"{document['key']}.analysis", artifacts.dump(result.analysis))
    return document | {"language": result.analysis.language}


def index(document: dict[str, Any]) -> None:
    result = _on_pages(Stage.INDEX, document)
    assert isinstance(result, Indexed)
    _insert(document, result.chunks)


def _insert(document: dict[str, Any], chunks: tuple[Chunk, ...]) -> None:
    row = document_row(
        IndexedDocument(
            document_id=document["id"],
            owner=OWNER,
            generation=1,
            filename=document["filename"],
            content_type=document["type"],
            language=document["language"],
        ),
        embedding_model=embedding_model().name,
    )
    with database().transaction(), database().cursor() as cursor:
        cursor.execute(statements.UPSERT_DOCUMENT, row)
        cursor.execute(statements.DELETE_CHUNKS, [document["id"]])
        cursor.executemany(statements.INSERT_CHUNK, [chunk_row(row, chunk) for chunk in chunks])


def _on_pages(stage: Stage, document: dict[str, Any]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, key in enumerate(document["pages"]):
            path = Path(folder, str(number))
            path.write_bytes(get(key))
            paths.append(path)
        return run_stage(_task(stage, document, page_batches=tuple(paths)), Collected())


def _task(stage: Stage, document: dict[str, Any], **inputs: Any) -> StageTask:
    return StageTask(
        stage=stage,
        filename=document["filename"],
        content_type=None,  # the bytes say it
        size_bytes=document["size"],
        sha256=document["sha256"],
        language=document.get("language"),
        **inputs,
    )


TASKS = [app.task(name=stage.__name__)(stage) for stage in (validate, extract, analyze, index)]


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _warm(**_: object) -> None:
    preload()
