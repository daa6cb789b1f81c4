"""Chooses the way of a large file: straight into the store, else in parts through ingest."""

import asyncio
from pathlib import Path

from docyard.chunked import ChunkedUploads
from docyard.models import Accepted
from docyard.parts import sha256_of
from docyard.presigned import PresignedUploads, StoreUnreachableError
from docyard.resuming import ResumeFolder
from docyard.retrying import RetryPolicy
from docyard.sessions import Sessions, Task, UploadPolicy
from docyard.transport import Transport
from docyard.uploads import OnBytes, Upload, Via


class LargeUploads:
    """Sends files that survive interruptions. Safe to share between tasks."""

    def __init__(self, transport: Transport, policy: UploadPolicy, retry: RetryPolicy) -> None:
        self._policy = policy
        self._folder = ResumeFolder(policy.resume_folder)
        self._sessions = Sessions(transport)
        at_once = policy.parallel_parts
        self._chunked = ChunkedUploads(self._sessions, parallel_parts=at_once)
        self._presigned = PresignedUploads(self._sessions, parallel_parts=at_once, retry=retry)

    async def close(self) -> None:
        await self._presigned.close()

    def suits(self, upload: Upload) -> bool:
        """Whether *upload* is a file that goes in more than one request. Raises OSError."""
        source = upload.source
        # Parts are read again when they are sent again: of a pipe they could not be.
        if self._policy.via == "simple" or not isinstance(source, Path) or not source.is_file():
            return False
        return bool(self._policy.via) or source.stat().st_size > self._policy.chunked_above_bytes

    async def send(self, upload: Upload, *, on_bytes: OnBytes | None = None) -> Accepted:
        """Send the file of *upload*, or what is missing of it since an earlier try.

        The same file under the same name goes on where it was; a file of known content answers
        its document at once. Where the store refuses it, or can not be reached and has nothing of
        it, the file goes through ingest, unless the policy says otherwise. Raises what
        `Transport.fetch` does, and OSError.
        """
        assert isinstance(upload.source, Path)  # noqa: S101 - `suits` was asked
        sha256 = await asyncio.to_thread(sha256_of, upload.source)
        noted = self._folder.of(self._sessions.base_url, upload, sha256)
        task = Task(upload, upload.source, sha256, noted, on_bytes)
        via = self._way(task)
        if noted.upload_id and noted.via != via:
            await self._sessions.give_up(noted)
        if via == "presigned":
            try:
                return _told(await self._presigned.send(task), sha256, via)
            except StoreUnreachableError:
                if self._policy.via is not None:
                    raise
        return _told(await self._chunked.send(task), sha256, "chunked")

    def _way(self, task: Task) -> Via:
        """Return the way to try first: what has begun goes on as it began."""
        if self._policy.via is not None:
            return self._policy.via
        if task.noted.upload_id:
            return task.noted.via
        return "chunked" if self._presigned.works is False else "presigned"


def _told(accepted: Accepted, sha256: str, via: Via) -> Accepted:
    return accepted.model_copy(update={"sha256": sha256, "via": via})
