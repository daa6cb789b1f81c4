"""Uploads in several requests, by HTTP: initiate, parts, complete, status, cancel, active."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from docyard_common.errors import PermanentError
from ingest.api import cursors
from ingest.api.bodies import RequestBody, content_length
from ingest.api.callers import Caller, Cursor, IdempotencyKey, Limit, UploadId, checked_key
from ingest.api.chunk_description import CHUNK_FORM, COMPLETE_REFUSALS, PART_REFUSALS, RAW_PART
from ingest.api.links import API, LinkMaker
from ingest.api.opening import InitiateUpload, announced, claim_of, opening_responses
from ingest.api.problems import refusals
from ingest.api.upload_answers import (
    active_upload,
    known_document,
    part_received,
    tell_opened,
    upload_progress,
)
from ingest.api.upload_models import (
    ActiveUploads,
    KnownDocument,
    PartReceived,
    UploadAccepted,
    UploadOpened,
    UploadProgress,
)
from ingest.errors import RefusedError
from ingest.tables import upload_parts, uploads
from ingest.upload import UploadMode
from ingest.uploads.checksums import of_headers
from ingest.uploads.chunk_form import PartClaim
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.form import boundary_of
from ingest.uploads.parts import PartReceiver
from ingest.uploads.sessions import Known, UploadSessions

STREAMED: Final = rf"{API}/documents/upload/(chunk|[^/]+/parts/[^/]+)"
"""Paths whose bodies are read piece by piece, as a regular expression."""


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
        router.add_api_route(
            "/initiate",
            self.initiate,
            methods=["POST"],
            status_code=201,
            response_model=None,
            summary="Open a chunked upload",
            responses=opening_responses(UploadOpened, "Opened"),
        )
        self._add_parts(router)
        self._add_uploads(router)
        return router

    def _add_parts(self, router: APIRouter) -> None:
        router.add_api_route(
            "/chunk",
            self.chunk,
            methods=["POST"],
            summary="Send a part by a form",
            openapi_extra=CHUNK_FORM,
            responses=refusals(
                *PART_REFUSALS,
                "MULTIPART_INVALID",
                "UNKNOWN_FIELD",
                "FIELD_INVALID",
                "FILE_MISSING",
                "TOTAL_PARTS_MISMATCH",
            ),
        )
        router.add_api_route(
            "/{upload_id}/parts/{number}",
            self.part,
            methods=["PUT"],
            summary="Send a part as a raw body",
            openapi_extra=RAW_PART,
            responses=refusals(*PART_REFUSALS),
        )

    def _add_uploads(self, router: APIRouter) -> None:
        router.add_api_route(
            "/complete/{upload_id}",
            self.complete,
            methods=["POST"],
            status_code=202,
            response_model=None,
            summary="Make a document of an upload",
            responses=refusals(*COMPLETE_REFUSALS)
            | {
                200: {"model": KnownDocument, "description": "A document of this content stands"},
                202: {"model": UploadAccepted, "description": "Accepted"},
            },
        )
        router.add_api_route(
            "/status/{upload_id}",
            self.status,
            summary="Read how far an upload is",
            responses=refusals("UPLOAD_NOT_FOUND"),
        )
        router.add_api_route(
            "/cancel/{upload_id}",
            self.cancel,
            methods=["DELETE"],
            status_code=204,
            summary="Give an upload up",
            responses=refusals("UPLOAD_NOT_FOUND", "UPLOAD_COMPLETED", "UPLOAD_BUSY"),
        )
        router.add_api_route(
            "/active",
            self.active,
            summary="List uploads that have not ended",
            responses=refusals("CURSOR_INVALID"),
        )

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
        tell_opened(response, opened)
        upload = opened.upload
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
        return part_received(received)

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
        return part_received(received)

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
        return upload_progress(progress)

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
            items=[active_upload(each, received.get(each.upload_id, (0, 0))[0]) for each in shown],
            next_cursor=cursors.write(str(shown[-1].upload_id)) if len(found) > limit else None,
        )
