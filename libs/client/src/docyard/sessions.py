"""Uploads in several requests, whichever way their bytes go: opened, looked at, completed."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from docyard.errors import ApiError, ConflictError, NotFoundError, RefusedError
from docyard.models import Accepted, Model
from docyard.resuming import Resumable
from docyard.transport import Request, Transport
from docyard.uploads import OnBytes, Upload, Via

URL: Final = "/api/v1/documents/upload"
PASSING: Final = frozenset({"CHUNK_HASH_MISMATCH", "UPLOAD_BUSY", "UPLOAD_ABANDONED"})
_ROUNDS: Final = 5
"""How often parts that the store has lost are sent once more."""
_MIB: Final = 1024 * 1024

_Opened = TypeVar("_Opened", bound="Opened")


@dataclass(frozen=True)
class UploadPolicy:
    """How files are sent. The defaults suit a network; measure before changing them."""

    chunked_above_bytes: int = 32 * _MIB
    """Larger files go so that they survive interruptions; smaller ones in one request."""
    parallel_parts: int = 4
    resume_folder: Path | None = None
    """Where it is noted what may go on; None: `uploads` in the user's state folder."""
    via: Via | None = None
    """The one way for every file; None: the best one by size, and by whether the store answers."""


@dataclass(frozen=True)
class Task:
    """One file to send."""

    upload: Upload
    path: Path
    sha256: str
    noted: Resumable
    on_bytes: OnBytes | None


class Opened(Model):
    """The answer to `initiate` and `presign`: an upload, or the document that was there already."""

    upload_id: str | None = None
    document_id: str | None = None
    duplicate: bool = False

    def known(self) -> Accepted | None:
        """Return the document that stands for this upload."""
        if not (self.duplicate and self.document_id):
            return None
        known = self.document_id
        return Accepted(document_id=known, job_id=known, duplicate=True)


class Standing(Model):
    """How far an upload is."""

    state: str
    chunk_size: int
    total_parts: int | None = None
    missing_parts: tuple[int, ...] = ()
    received_bytes: int = 0
    document_id: str | None = None


class Sessions:
    """What ingest says about uploads. Every method raises what `Transport.fetch` does."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.base_url = transport.base_url

    async def open(
        self, task: Task, route: str, shape: type[_Opened], *, key: str | None = None
    ) -> _Opened:
        """Announce the file. The same key answers the same upload."""
        upload = task.upload
        said: dict[str, Any] = {
            "filename": upload.name,
            "file_size": upload.size_bytes,
            "content_type": upload.content_type,
            "priority": upload.priority,
            "metadata": dict(upload.metadata),
            "processing_options": dict(upload.processing_options),
            "sha256": task.sha256,
        }
        headers = {"Idempotency-Key": key or upload.idempotency_key}
        return await self._transport.fetch(
            Request("POST", f"{URL}/{route}", json=said, headers=headers), shape
        )

    async def standing(self, noted: Resumable) -> Standing | None:
        """Return how far the noted upload is; None where nothing can go on."""
        if not noted.upload_id:
            return None
        try:
            standing = await self._transport.fetch(
                Request("GET", f"{URL}/status/{noted.upload_id}"), Standing
            )
        except NotFoundError:
            return None
        return standing if standing.state in {"open", "completing", "completed"} else None

    async def put_part(self, request: Request) -> None:
        await self._transport.send(request)

    async def give_up(self, noted: Resumable) -> None:
        """End an upload that is not gone on with; where that is refused, it expires by itself.

        Raises UnreachableError, the note kept: what nobody was told to end can still go on.
        """
        if noted.upload_id:
            with contextlib.suppress(ApiError):
                await self._transport.send(Request("DELETE", f"{URL}/cancel/{noted.upload_id}"))
        noted.forget()

    async def finish(
        self,
        noted: Resumable,
        missing: tuple[int, ...],
        send: Callable[[tuple[int, ...]], Awaitable[None]],
    ) -> Accepted:
        """Send what is missing and complete; what the store has lost meanwhile is sent again."""
        for left in reversed(range(_ROUNDS)):
            await send(missing)
            try:
                return await self._complete(noted)
            except ConflictError as error:
                missing = tuple(error.problem.extra.get("missing_parts", ()))
                if not missing or not left:
                    raise
            except RefusedError:
                noted.forget()
                raise
        raise AssertionError("the last round returns or raises")

    async def _complete(self, noted: Resumable) -> Accepted:
        url = f"{URL}/complete/{noted.upload_id}"
        accepted = await self._transport.fetch(Request("POST", url, repeat_codes=PASSING), Accepted)
        noted.forget()
        return accepted
