"""A folder on a machine, an ingest that may read it, and what a job leaves cleared away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from minio.error import S3Error
from tests.integration.ingest.folder_jobs.operating import FolderClient
from tests.integration.ingest.serving import RunningIngest, running
from tests.waiting import eventually

from ingest.settings import IngestSettings, SyncSettings


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "papers").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def papers(root: Path) -> Path:
    return root / "papers"


@pytest.fixture
async def folders(ingest_settings: IngestSettings, root: Path) -> AsyncIterator[FolderClient]:
    sync = SyncSettings(roots=str(root), stable_s=0.3, scan_every_s=0.5)
    bucket = f"{ingest_settings.object_store.bucket}-files"
    async with running(ingest_settings.model_copy(update={"sync": sync})) as ingest:
        yield FolderClient(ingest, bucket)
        await empty(ingest, bucket)
        await empty(ingest, f"{ingest_settings.object_store.bucket}-sync")


async def empty(ingest: RunningIngest, bucket: str) -> None:
    client = ingest.store._client  # noqa: SLF001
    if client.bucket_exists(bucket):
        store = ingest.store.in_bucket(bucket)
        assert await store.open_multiparts("") == []

        async def is_gone() -> bool:
            for key in [stat.key async for stat in store.list("")]:
                await store.delete(key)
            try:
                client.remove_bucket(bucket)
            except S3Error as error:
                # A job that still runs may just have put a file.
                if error.code != "BucketNotEmpty":
                    raise
                return False
            return True

        await eventually(is_gone)
