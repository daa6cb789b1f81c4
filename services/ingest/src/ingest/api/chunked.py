"""Uploads in several requests, by HTTP: initiate, parts, complete, status, cancel, active."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from docyard_common.errors import PermanentError
from ingest.api import cursors
from ingest.api.bodies import RequestBody, content_length
from ingest.api.callers import Caller, Cursor, IdempotencyKey, Limit, UploadId, checked_key
from ingest.api.links import API, LinkMaker
from ingest.api.models import (
    ActiveUpload,
    ActiveUploads,
    KnownDocument,
    PartReceived,
    UploadAccepted,
    UploadOpened,
    UploadProgress,
)
from ingest.api.opening import InitiateUpload, announced, claim_of
from ingest.api.problems import QUOTA_REFUSALS, refusals
from ingest.errors import RefusedError
from ingest.tables import upload_parts, uploads
from ingest.upload import Upload, UploadMode
from ingest.uploads.assembly import missing_of
from ingest.uploads.checksums import of_headers
from ingest.uploads.chunk_form import CHUNK_FIELD, PartClaim
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.form import boundary_of
from ingest.uploads.parts import PartReceiver, Received
from ingest.uploads.sessions import Known, Progress, UploadSessions

RAW_PARTS: Final = rf"{API}/documents/upload/[^/]+/parts/"
"""Paths whose bodies are read piece by piece, as a regular expression."""
_CHUNK_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["upload_id", "part_number", CHUNK_FIELD],
                    "additionalProperties": False,
                    "properties": {
                        "upload_id": {"type": "string", "format": "uuid"},
                        "part_number": {"type": "integer", "minimum": 1, "maximum": 10_000},
                        "total_parts": {"type": "integer", "minimum": 1, "maximum": 10_000},
                        "chunk_hash": {
                            "type": "string",
                            "description": "MD5 or SHA-256 of the chunk, in hex.",
                        },
                        "is_final_chunk": {"type": "boolean"},
                        CHUNK_FIELD: {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}
_RAW: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": description,
        }
        for name, description in (
            ("Content-MD5", "MD5 of the part in base64 (RFC 1864)."),
            ("Content-Digest", "`sha-256=:<base64>:` or `sha-512` of the part (RFC 9530)."),
            ("Repr-Digest", "The same as Content-Digest here."),
        )
    ],
}
_STANDING: Final = (
    "UPLOAD_NOT_FOUND",
    "UPLOAD_EXPIRED",
    "UPLOAD_ENDED",
    "UPLOAD_COMPLETED",
    "UPLOAD_BUSY",
)
_PART: Final = (
    *_STANDING,
    "PART_NUMBER_INVALID",
    "PART_SIZE_INVALID",
    "PART_TOO_LARGE",
    "PART_CONFLICT",
    "CHUNK_HASH_INVALID",
    "CHUNK_HASH_MISMATCH",
    "UNSUPPORTED_TYPE",
    "TYPE_MISMATCH",
    "UPLOAD_STALLED",
    "OVERLOADED",
)
_CONTENT: Final = (
    "FILE_SIZE_MISMATCH",
    "FILE_HASH_MISMATCH",
    "EMPTY_FILE",
    "UNSUPPORTED_TYPE",
    "TYPE_MISMATCH",
)


class ChunkedRoutes:
    """Routes of chunked uploads; any replica answers any of them."""

    def __init__(
        self,
        *,
        desk: UploadDesk,
        sessions: UploadSessions,
        parts: PartReceiver,
        completer: Completer,
        links: LinkMaker,
    ) -> None:
        self._sessions = sessions
        self._parts = parts
        self._completer = completer
        self._links = links
        self._database = desk.database
        self._limits = desk.limits

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/documents/upload", tags=["uploads"])
        add = router.add_api_route
        add(
            "/initiate",
            self.initiate,
            methods=["POST"],
            status_code=201,
            response_model=None,
            summary="Open a chunked upload",
            responses=refusals(
                *QUOTA_REFUSALS,
                "FILE_TOO_LARGE",
                "UNSUPPORTED_TYPE",
                "TYPE_MISMATCH",
                "EMPTY_FILE",
                "FILENAME_INVALID",
                "FIELD_INVALID",
                "IDEMPOTENCY_KEY_INVALID",
                "IDEMPOTENCY_KEY_REUSED",
            )
            | {
                200: {"model": KnownDocument, "description": "The content is known"},
                201: {"model": UploadOpened, "description": "Opened"},
            },
        )
        add(
            "/chunk",
            self.chunk,
            methods=["POST"],
            summary="Send a part by a form",
            openapi_extra=_CHUNK_FORM,
            responses=refusals(
                *_PART,
                "MULTIPART_INVALID",
                "UNKNOWN_FIELD",
                "FIELD_INVALID",
                "FILE_MISSING",
                "TOTAL_PARTS_MISMATCH",
            ),
        )
        add(
            "/{upload_id}/parts/{number}",
            self.part,
            methods=["PUT"],
            summary="Send a part as a raw body",
            openapi_extra=_RAW,
            responses=refusals(*_PART),
        )
        add(
            "/complete/{upload_id}",
            self.complete,
            methods=["POST"],
            status_code=202,
            response_model=None,
            summary="Make a document of an upload",
            responses=refusals(
                "UPLOAD_NOT_FOUND",
                "UPLOAD_EXPIRED",
                "UPLOAD_ENDED",
                "UPLOAD_BUSY",
                "PARTS_MISSING",
                "STORAGE_QUOTA_EXCEEDED",
                "DOCUMENT_QUOTA_EXCEEDED",
                *_CONTENT,
            )
            | {
                200: {"model": KnownDocument, "description": "A document of this content stands"},
                202: {"model": UploadAccepted, "description": "Accepted"},
            },
        )
        add(
            "/status/{upload_id}",
            self.status,
            summary="Read how far an upload is",
            responses=refusals("UPLOAD_NOT_FOUND"),
        )
        add(
            "/cancel/{upload_id}",
            self.cancel,
            methods=["DELETE"],
            status_code=204,
            summary="Give an upload up",
            responses=refusals("UPLOAD_NOT_FOUND", "UPLOAD_COMPLETED", "UPLOAD_BUSY"),
        )
        add(
            "/active",
            self.active,
            summary="List uploads that have not ended",
            responses=refusals("CURSOR_INVALID"),
        )
        return router

    async def initiate(
        self,
        response: Response,
        caller: Caller,
        body: InitiateUpload,
        idempotency_key: IdempotencyKey = None,
    ) -> UploadOpened | KnownDocument:
        """Announce a file; what its size, name and type rule out is refused before it is sent.

        With a `sha256` that the caller has a document of (same options, not failed), that document
        is answered with 200 and nothing needs to be sent.
        """
        said = announced(body, caller, UploadMode.CHUNKED, self._limits)
        claim = claim_of(body, caller, "upload/initiate", checked_key(idempotency_key))
        opened = await self._sessions.open(said, claim=claim)
        if isinstance(opened, Known):
            return known_document(response, opened.document_id, self._links)
        if opened.repeated:
            response.headers["Idempotency-Replayed"] = "true"
        upload = opened.upload
        response.headers["Location"] = f"{API}/documents/upload/status/{upload.upload_id}"
        return UploadOpened(
            upload_id=upload.upload_id,
            job_id=upload.document_id,
            chunk_size=upload.part_bytes,
            total_parts=upload.total_parts or 0,
            expires_at=upload.expires_at,
        )

    async def chunk(self, request: Request, caller: Caller) -> PartReceived:
        """Store one part; its fields may come before or behind its bytes.

        In any order, in parallel, to any replica. A part that was received is passed over when it
        comes again; one whose hash is wrong leaves nothing and may be sent again.
        """
        body = RequestBody(request)
        try:
            boundary = boundary_of(request.headers.get("content-type", ""))
            received = await self._parts.receive_form(boundary, body.chunks(), owner=caller.subject)
        except (RefusedError, PermanentError):
            await body.read_on()
            raise
        return _received(received)

    async def part(
        self,
        request: Request,
        caller: Caller,
        upload_id: UploadId,
        number: Annotated[int, Path(description="From 1 on.")],
    ) -> PartReceived:
        """Store one part, as `chunk` does; hashes come in headers."""
        body = RequestBody(request)
        try:
            claim = PartClaim(number, checksums=of_headers(request.headers))
            upload = await self._parts.expected(upload_id, claim, owner=caller.subject)
            received = await self._parts.receive(
                upload, claim, body.chunks(), length=content_length(request)
            )
        except (RefusedError, PermanentError):
            await body.read_on()
            raise
        return _received(received)

    async def complete(
        self, response: Response, caller: Caller, upload_id: UploadId
    ) -> UploadAccepted | KnownDocument:
        """Check parts, size and SHA-256, and make a document. Idempotent; 409 names missing parts.

        An upload that stated its `sha256` and finds that another was faster ends in the other's
        document: 200, `duplicate: true`.
        """
        done = await self._completer.complete(upload_id, owner=caller.subject)
        if done.duplicate:
            return known_document(response, done.document_id, self._links)
        links = self._links.of(done.document_id)
        response.headers["Location"] = links.self
        return UploadAccepted(document_id=done.document_id, job_id=done.document_id, links=links)

    async def status(self, caller: Caller, upload_id: UploadId) -> UploadProgress:
        """Answer which parts have come and which are missing, also of an upload that has ended."""
        progress = await self._sessions.progress(upload_id, owner=caller.subject)
        return _progress(progress)

    async def cancel(self, caller: Caller, upload_id: UploadId) -> None:
        """End the upload and free its parts; again is fine. What became a document stays one."""
        await self._sessions.cancel(upload_id, owner=caller.subject)

    async def active(
        self, caller: Caller, cursor: Cursor = None, limit: Limit = 50
    ) -> ActiveUploads:
        """Answer the caller's uploads that have not ended, newest first."""
        before = None if cursor is None else cursors.read_id(cursor)
        async with self._database.transaction() as tx:
            found = await uploads.active(tx, owner=caller.subject, before=before, limit=limit + 1)
            received = await upload_parts.received(tx, [each.upload_id for each in found])
        shown = found[:limit]
        return ActiveUploads(
            items=[_active(each, received.get(each.upload_id, (0, 0))[0]) for each in shown],
            next_cursor=cursors.write(str(shown[-1].upload_id)) if len(found) > limit else None,
        )


def known_document(response: Response, document_id: Any, links: LinkMaker) -> KnownDocument:
    """Answer 200 with the document that stands for an upload."""
    response.status_code = 200
    to = links.of(document_id)
    response.headers["Location"] = to.self
    return KnownDocument(document_id=document_id, job_id=document_id, links=to)


def _percent(upload: Upload, received_bytes: int) -> float:
    size = upload.announced.size_bytes
    return 0.0 if not size else min(100.0, round(100 * received_bytes / size, 2))


def _received(received: Received) -> PartReceived:
    upload, tally = received.upload, received.tally
    return PartReceived(
        upload_id=upload.upload_id,
        part_number=received.number,
        received_parts=tally.parts,
        total_parts=upload.total_parts or 0,
        received_bytes=tally.size_bytes,
        percent=_percent(upload, tally.size_bytes),
        expires_at=tally.expires_at,
    )


def _progress(progress: Progress) -> UploadProgress:
    upload, said = progress.upload, progress.upload.announced
    numbers = [part.number for part in progress.parts]
    return UploadProgress(
        upload_id=upload.upload_id,
        job_id=upload.document_id,
        state=upload.state,
        mode=said.mode,
        filename=said.filename,
        file_size=said.size_bytes,
        chunk_size=upload.part_bytes,
        total_parts=upload.total_parts,
        received_parts=numbers,
        missing_parts=missing_of(upload, numbers),
        received_bytes=progress.received_bytes,
        percent=_percent(upload, progress.received_bytes),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        document_id=upload.result_id,
        refusal=upload.refusal,
    )


def _active(upload: Upload, part_bytes: int) -> ActiveUpload:
    said, received = upload.announced, part_bytes + upload.tail_bytes
    return ActiveUpload(
        upload_id=upload.upload_id,
        job_id=upload.document_id,
        state=upload.state,
        mode=said.mode,
        filename=said.filename,
        file_size=said.size_bytes,
        received_bytes=received,
        percent=_percent(upload, received),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )
