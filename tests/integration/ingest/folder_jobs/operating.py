"""What tests of folder jobs share: a folder under a root, and jobs that are followed."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.integration.ingest.serving import RunningIngest
from tests.waiting import eventually

from docyard_common.storage import MinioObjectStore

UPLOADS = "/api/v1/uploads/"
OLD_S = 60.0


@dataclass
class FolderClient:
    """An operator at work."""

    ingest: RunningIngest
    bucket: str

    @property
    def store(self) -> MinioObjectStore:
        return self.ingest.store.in_bucket(self.bucket)

    @property
    def operator(self) -> dict[str, str]:
        return self.ingest.as_owner("olga", roles=("operator",))

    async def post(self, folder: Path | str, **wanted: Any) -> httpx.Response:
        body = {"source_folder": str(folder), "destination_bucket": self.bucket} | wanted
        given = {name: value for name, value in body.items() if value is not None}
        return await self.ingest.client.post(UPLOADS, json=given, headers=self.operator)

    async def start(self, folder: Path | str, **wanted: Any) -> str:
        answer = await self.post(folder, **wanted)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["upload_id"])

    async def get(self, upload_id: str, rest: str = "", **params: Any) -> Any:
        answer = await self.ingest.client.get(
            f"{UPLOADS}{upload_id}{rest}", params=params, headers=self.operator
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def files(self, upload_id: str, **params: Any) -> dict[str, Any]:
        answer = await self.get(upload_id, "/files", **params)
        return {item["path"]: item for item in answer["items"]}

    async def ended(self, upload_id: str) -> Any:
        """Return the job once a pass has ended; progress must never have fallen."""
        seen: list[dict[str, Any]] = []

        async def has_ended() -> bool:
            seen.append(await self.get(upload_id))
            return seen[-1]["state"] in {"COMPLETED", "FAILED"}

        await eventually(has_ended)
        progress = [job["progress"] for job in seen]
        assert progress == sorted(progress)
        return seen[-1]

    async def sync(self, folder: Path | str, **wanted: Any) -> Any:
        """Start a job and return it once it has ended."""
        return await self.ended(await self.start(folder, **wanted))

    async def stored(self) -> dict[str, bytes]:
        keys = [stat.key async for stat in self.store.list("")]
        return {key: await self.store.get(key) for key in keys}


def write(folder: Path, name: str | bytes, data: bytes = b"hello") -> Path:
    """Write a file that looks as if it was left alone for a minute."""
    path = folder / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    age(path)
    return path


def age(path: Path, *, by_s: float = OLD_S) -> None:
    at = time.time() - by_s
    os.utime(path, (at, at))
