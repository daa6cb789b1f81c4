"""Large files: parts in parallel, each sent again alone, going on after whatever broke off."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docyard.errors import ConflictError, DocyardError, NotFoundError, RefusedError
from docyard.models import Accepted, Model
from docyard.resuming import Resumable, ResumeFolder
from docyard.transport import Request, Transport
from docyard.uploads import OnBytes, Upload

URL: Final = "/api/v1/documents/upload"
_PIECE: Final = 256 * 1024
_ROUNDS: Final = 5
"""How often parts that the store has lost are sent once more."""
_REPEATED: Final = frozenset({"CHUNK_HASH_MISMATCH", "UPLOAD_BUSY", "UPLOAD_ABANDONED"})
_MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class UploadPolicy:
    """How files are sent. The defaults suit a network; measure before changing them."""

    chunked_above_bytes: int = 32 * _MIB
    """Larger files go in parts that survive interruptions; smaller ones in one request."""
    parallel_parts: int = 4
    resume_folder: Path | None = None
    """Where it is noted what may go on; None: `uploads` in the user's state folder."""


class _Opened(Model):
    """The answer to `initiate`: an upload, or the document that was there already."""

    upload_id: str | None = None
    document_id: str | None = None
    duplicate: bool = False


class _Standing(Model):
    """How far an upload is."""

    state: str
    chunk_size: int
    total_parts: int | None = None
    missing_parts: tuple[int, ...] = ()
    received_bytes: int = 0
    document_id: str | None = None


class ChunkedUploads:
    """Sends files in parts. Safe to share between tasks."""

    def __init__(self, transport: Transport, policy: UploadPolicy) -> None:
        self._transport = transport
        self._policy = policy
        self._folder = ResumeFolder(policy.resume_folder)

    def suits(self, upload: Upload) -> bool:
        """Whether *upload* is a file of a size that is worth parts. Raises OSError."""
        source = upload.source
        # Parts are read again when they are sent again: of a pipe they could not be.
        if not isinstance(source, Path) or not source.is_file():
            return False
        return source.stat().st_size > self._policy.chunked_above_bytes

    async def send(self, upload: Upload, *, on_bytes: OnBytes | None = None) -> Accepted:
        """Send the file of *upload*, or what is missing of it since an earlier try.

        The same file under the same name goes on where it was; a file of known content answers
        its document at once. Raises what `Transport.fetch` does, and OSError.
        """
        assert isinstance(upload.source, Path)  # noqa: S101 - `suits` was asked
        sha256 = await asyncio.to_thread(_sha256, upload.source)
        noted = self._folder.of(self._transport.base_url, upload, sha256)
        standing = await self._standing(noted)
        if standing is None:
            opened = await self._open(upload, sha256)
            if opened.duplicate and opened.document_id:
                known = opened.document_id
                return Accepted(document_id=known, job_id=known, duplicate=True)
            noted.note(opened.upload_id or "")
            standing = await self._standing(noted)
        if standing is None:
            raise FileNotFoundError("the upload vanished right after it was opened")
        try:
            return await self._finish(upload.source, noted, standing, on_bytes)
        except RefusedError:
            noted.forget()
            raise

    async def _open(self, upload: Upload, sha256: str) -> _Opened:
        said: dict[str, Any] = {
            "filename": upload.name,
            "file_size": upload.size_bytes,
            "content_type": upload.content_type,
            "priority": upload.priority,
            "metadata": dict(upload.metadata),
            "processing_options": dict(upload.processing_options),
            "sha256": sha256,
        }
        headers = {"Idempotency-Key": upload.idempotency_key}
        return await self._transport.fetch(
            Request("POST", f"{URL}/initiate", json=said, headers=headers), _Opened
        )

    async def _standing(self, noted: Resumable) -> _Standing | None:
        """Return how far the noted upload is; None where nothing can go on."""
        if not noted.upload_id:
            return None
        try:
            standing = await self._transport.fetch(
                Request("GET", f"{URL}/status/{noted.upload_id}"), _Standing
            )
        except NotFoundError:
            return None
        return standing if standing.state in {"open", "completing", "completed"} else None

    async def _finish(
        self, path: Path, noted: Resumable, standing: _Standing, on_bytes: OnBytes | None
    ) -> Accepted:
        counter = _Counter(on_bytes, standing.received_bytes)
        missing = standing.missing_parts
        if missing[:1] == (1,):
            # It is judged by its first bytes: what is refused costs one part, and says why.
            await self._send_parts(path, noted.upload_id, standing.chunk_size, (1,), counter)
            missing = missing[1:]
        for left in reversed(range(_ROUNDS)):
            await self._send_parts(path, noted.upload_id, standing.chunk_size, missing, counter)
            try:
                return await self._complete(noted)
            except ConflictError as error:
                missing = tuple(error.problem.extra.get("missing_parts", ()))
                if not missing or not left:
                    raise
        raise AssertionError("the last round returns or raises")

    async def _send_parts(
        self,
        path: Path,
        upload_id: str,
        chunk_size: int,
        missing: tuple[int, ...],
        counter: "_Counter",
    ) -> None:
        waiting = iter(missing)

        async def work() -> None:
            for number in waiting:
                part = _Part(path, (number - 1) * chunk_size, chunk_size)
                await self._send_part(part, f"{URL}/{upload_id}/parts/{number}", counter)

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self._policy.parallel_parts, len(missing))):
                    tasks.create_task(work())
        except* (DocyardError, OSError) as group:
            # One cause is what a caller can act on; the other parts died of the same.
            raise group.exceptions[0] from None

    async def _send_part(self, part: "_Part", url: str, counter: "_Counter") -> None:
        headers = await asyncio.to_thread(part.headers)

        def body() -> Mapping[str, Any]:
            counter.begin(url)
            return {"content": part.pieces(lambda sent: counter.sent(url, sent))}

        request = Request("PUT", url, headers=headers, body=body, repeat_codes=_REPEATED)
        await self._transport.send(request)

    async def _complete(self, noted: Resumable) -> Accepted:
        url = f"{URL}/complete/{noted.upload_id}"
        accepted = await self._transport.fetch(
            Request("POST", url, repeat_codes=_REPEATED), Accepted
        )
        noted.forget()
        return accepted


@dataclass(frozen=True)
class _Part:
    """A stretch of a file. Read anew by every attempt: nothing of it is kept."""

    path: Path
    offset: int
    size: int  # or less at the end of the file

    def headers(self) -> dict[str, str]:
        digest, length = hashlib.sha256(), 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while piece := file.read(min(_MIB, self.size - length)):
                digest.update(piece)
                length += len(piece)
        encoded = base64.b64encode(digest.digest()).decode()
        return {"Content-Length": str(length), "Content-Digest": f"sha-256=:{encoded}:"}

    async def pieces(self, on_bytes: OnBytes) -> AsyncIterator[bytes]:
        sent = 0
        with self.path.open("rb") as file:
            file.seek(self.offset)
            while piece := await asyncio.to_thread(file.read, min(_PIECE, self.size - sent)):
                yield piece
                sent += len(piece)
                on_bytes(sent)


class _Counter:
    """Adds up what the parts have sent; a part that begins anew takes its bytes back."""

    def __init__(self, on_bytes: OnBytes | None, received_bytes: int) -> None:
        self._on_bytes = on_bytes or (lambda _sent: None)
        self._received = received_bytes
        self._parts: dict[str, int] = {}
        self._on_bytes(received_bytes)

    def begin(self, part: str) -> None:
        self.sent(part, 0)

    def sent(self, part: str, size_bytes: int) -> None:
        self._parts[part] = size_bytes
        self._on_bytes(self._received + sum(self._parts.values()))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
