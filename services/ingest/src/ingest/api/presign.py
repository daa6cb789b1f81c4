"""Uploads straight to the store, by HTTP: what is signed here, `complete` or the store finishes."""

from fastapi import APIRouter, Response

from ingest.api.callers import Caller, IdempotencyKey, checked_key
from ingest.api.links import API, LinkMaker
from ingest.api.opening import InitiateUpload, announced, claim_of, opening_responses
from ingest.api.upload_answers import known_document, tell_opened
from ingest.api.upload_models import KnownDocument, PartsPresigned, PresignedPart, UploadPresigned
from ingest.upload import Upload, UploadMode
from ingest.uploads.desk import UploadDesk
from ingest.uploads.presigned import Presigner
from ingest.uploads.sessions import Known, UploadSessions


class PresignRoutes:
    """One route; `complete`, `status`, `cancel` and `active` are those of chunked uploads."""

    def __init__(
        self,
        *,
        desk: UploadDesk,
        sessions: UploadSessions,
        presigner: Presigner,
        links: LinkMaker,
    ) -> None:
        self._sessions = sessions
        self._presigner = presigner
        self._links = links
        self._limits = desk.limits

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/documents/upload", tags=["uploads"])
        router.add_api_route(
            "/presign",
            self.presign,
            methods=["POST"],
            status_code=201,
            response_model=None,
            summary="Get URLs to put a file straight into the store",
            responses=opening_responses(UploadPresigned | PartsPresigned, "Signed"),
        )
        return router

    async def presign(
        self,
        response: Response,
        caller: Caller,
        body: InitiateUpload,
        idempotency_key: IdempotencyKey = None,
    ) -> UploadPresigned | PartsPresigned | KnownDocument:
        """Announce a file and get one URL, or one a part above the multipart threshold.

        Type, length and a stated `sha256` are signed: the store refuses anything else. The upload
        is finished by `complete` or by the store's own event, whichever comes first, once; size,
        SHA-256 and magic number are verified then. The same `Idempotency-Key` answers fresh URLs
        of the same upload.
        """
        said = announced(body, caller, UploadMode.PRESIGNED, self._limits)
        claim = claim_of(body, caller, "upload/presign", checked_key(idempotency_key))
        opened = await self._sessions.open(said, claim=claim)
        if isinstance(opened, Known):
            return known_document(response, opened.document_id, self._links)
        tell_opened(response, opened)
        upload = opened.upload
        response.headers["Cache-Control"] = "no-store"
        return self._whole(upload) if upload.multipart_id is None else self._parts(upload)

    def _whole(self, upload: Upload) -> UploadPresigned:
        signed = self._presigner.whole(upload)
        return UploadPresigned(
            upload_id=upload.upload_id,
            document_id=upload.document_id,
            job_id=upload.document_id,
            url=signed.url,
            headers=signed.headers,
            expires_at=upload.expires_at,
        )

    def _parts(self, upload: Upload) -> PartsPresigned:
        return PartsPresigned(
            upload_id=upload.upload_id,
            document_id=upload.document_id,
            job_id=upload.document_id,
            chunk_size=upload.part_bytes,
            parts=[self._part(upload, n) for n in range(1, (upload.total_parts or 0) + 1)],
            expires_at=upload.expires_at,
        )

    def _part(self, upload: Upload, number: int) -> PresignedPart:
        signed = self._presigner.part(upload, number)
        return PresignedPart(
            part_number=number,
            size_bytes=upload.bytes_of_part(number),
            url=signed.url,
            headers=signed.headers,
        )
