"""Folder jobs: Docyard uploads folders of its own machine. Every call needs an operator."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from docyard.errors import WatchTimeoutError
from docyard.models import FolderFile, FolderJob, Listing
from docyard.transport import Request, Transport

_BASE = "/api/v1/uploads/"
_POLL_S = 1.0


@dataclass(frozen=True)
class FolderOrder:
    """What a folder job is to do. Sent again, it starts no second job."""

    source_folder: str  # absolute, on the machine of Docyard
    upload_id: str | None = None
    destination_bucket: str | None = None
    destination_prefix: str | None = None
    patterns: Sequence[str] = ()
    watch: bool = False
    process: bool = False
    priority: str | None = None
    owner: str | None = None  # of the documents
    processing_options: Mapping[str, Any] = field(default_factory=dict)  # of the documents
    idempotency_key: str = field(default_factory=lambda: str(uuid4()))

    def body(self) -> dict[str, Any]:
        """Return the order as the API wants it."""
        given = {
            "source_folder": self.source_folder,
            "upload_id": self.upload_id,
            "destination_bucket": self.destination_bucket,
            "destination_prefix": self.destination_prefix,
            "pattern": list(self.patterns) or None,
            "priority": self.priority,
            "owner": self.owner,
            "processing_options": dict(self.processing_options) or None,
        }
        flags = {"watch": self.watch, "process": self.process}
        return {name: value for name, value in given.items() if value is not None} | flags


class FolderJobs:
    """`client.folder_jobs`. Raises NotAllowedError without the role `operator`."""

    def __init__(self, transport: Transport, *, owner: str | None = None) -> None:
        self._transport = transport
        self._owner = owner  # of documents, where an order names none

    async def start(self, order: FolderOrder) -> FolderJob:
        """Start a job. With an `upload_id` whose job has ended, start another pass of it."""
        # A named job says itself what a repeat means: another pass.
        named = order.upload_id is not None
        headers = {} if named else {"Idempotency-Key": order.idempotency_key}
        owned = replace(order, owner=order.owner or self._owner)
        request = Request("POST", _BASE, json=owned.body(), headers=headers)
        return await self._transport.fetch(request, FolderJob)

    async def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Listing[FolderJob]:
        """Return jobs, newest first."""
        params = {"state": list(states), "limit": limit, "cursor": cursor}
        request = Request("GET", _BASE, params=params)
        return await self._transport.fetch(request, Listing[FolderJob])

    async def get(self, upload_id: str) -> FolderJob:
        return await self._transport.fetch(Request("GET", _job(upload_id)), FolderJob)

    async def files(
        self,
        upload_id: str,
        *,
        states: Sequence[str] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Listing[FolderFile]:
        """Return the files that were found so far, by path."""
        params = {"state": list(states), "limit": limit, "cursor": cursor}
        request = Request("GET", f"{_job(upload_id)}/files", params=params)
        return await self._transport.fetch(request, Listing[FolderFile])

    async def delete(self, upload_id: str) -> None:
        """Stop and forget a job; what it has uploaded stays."""
        await self._transport.send(Request("DELETE", _job(upload_id)))

    async def watch(
        self, upload_id: str, *, timeout_s: float | None = None
    ) -> AsyncGenerator[FolderJob, None]:
        """Yield the job as it changes, until its pass has ended.

        Raises NotFoundError, and WatchTimeoutError after *timeout_s*.
        """
        loop = asyncio.get_running_loop()
        deadline = None if timeout_s is None else loop.time() + timeout_s
        last: FolderJob | None = None
        while last is None or not last.has_ended:
            job = await self.get(upload_id)
            if last is None or _shown(job) != _shown(last):
                yield job
            last = job
            if deadline is not None and loop.time() >= deadline and not job.has_ended:
                raise WatchTimeoutError(frozenset({upload_id}))
            if not job.has_ended:
                await asyncio.sleep(_POLL_S)


def _job(upload_id: str) -> str:
    return f"{_BASE}{quote(upload_id, safe='')}"


def _shown(job: FolderJob) -> dict[str, Any]:
    """Return what makes a change worth telling: not that somebody works on it."""
    return job.model_dump(exclude={"updated_at"})
