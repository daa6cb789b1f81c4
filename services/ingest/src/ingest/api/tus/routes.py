"""tus 1.0 by HTTP: creation, HEAD, PATCH, termination, and OPTIONS."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request, Response

from docyard_common.auth import Principal
from docyard_common.errors import PermanentError
from docyard_common.http import Problem
from ingest.api.bodies import RequestBody
from ingest.api.callers import Caller, UploadId
from ingest.api.problems import QUOTA_REFUSALS, refusals
from ingest.api.tus import protocol
from ingest.api.tus.answers import (
    capabilities,
    description,
    location,
    progress,
    require_media_type,
    require_offset,
    require_version,
    tus_statuses,
)
from ingest.api.tus.middleware import PATH
from ingest.errors import RefusedError, TusHeaderInvalidError
from ingest.settings import LimitSettings
from ingest.tables.tus_uploads import Said
from ingest.upload import UploadMode
from ingest.uploads.joining import Joiner
from ingest.uploads.tus import TusUpload, TusUploads

STREAMED: Final = rf"{PATH}(/[^/]*)?"
_STANDING: Final = ("UPLOAD_NOT_FOUND", "UPLOAD_EXPIRED", "UPLOAD_BUSY")
_JUDGED: Final = ("UNSUPPORTED_TYPE", "TYPE_MISMATCH", "EMPTY_FILE", "FILE_HASH_MISMATCH")
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {protocol.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _version(tus_resumable: Annotated[str | None, Header()] = None) -> None:
    require_version(tus_resumable)


class TusRoutes:
    """Any replica answers any request; what an upload is lies in the database and the store."""

    def __init__(self, *, uploads: TusUploads, joiner: Joiner, limits: LimitSettings) -> None:
        self._uploads = uploads
        self._joiner = joiner
        self._limits = limits

    def router(self) -> APIRouter:
        router = APIRouter(tags=["tus"])
        self._add_collection(router)
        self._add_upload(router)
        return router

    def _add_collection(self, router: APIRouter) -> None:
        for path, shown in ((PATH, True), (f"{PATH}/", False)):
            router.add_api_route(
                path,
                self.options,
                methods=["OPTIONS"],
                status_code=204,
                summary="Tell what the server knows of tus",
                include_in_schema=shown,
            )
            router.add_api_route(
                path,
                self.create,
                methods=["POST"],
                status_code=201,
                summary="Create an upload, or join partial ones",
                dependencies=[Depends(_version)],
                openapi_extra=_BODY,
                responses=refusals(
                    *QUOTA_REFUSALS,
                    *_JUDGED,
                    "TUS_HEADER_INVALID",
                    "FILE_TOO_LARGE",
                    "FILENAME_INVALID",
                    "FIELD_INVALID",
                    "PARTIAL_INVALID",
                    "UPLOAD_NOT_FOUND",
                    "UPLOAD_BUSY",
                ),
                include_in_schema=shown,
            )

    def _add_upload(self, router: APIRouter) -> None:
        path = f"{PATH}/{{upload_id}}"
        versioned = [Depends(_version)]
        router.add_api_route(
            path,
            self.head,
            methods=["HEAD"],
            status_code=200,
            summary="Tell how far an upload is",
            dependencies=versioned,
            responses=refusals(*_STANDING, *_JUDGED),
        )
        router.add_api_route(
            path,
            self.patch,
            methods=["PATCH"],
            status_code=204,
            summary="Append bytes to an upload",
            dependencies=versioned,
            openapi_extra=_BODY,
            responses=refusals(
                *_STANDING,
                *_JUDGED,
                "TUS_HEADER_INVALID",
                "OFFSET_MISMATCH",
                "PART_TOO_LARGE",
                "FILE_TOO_LARGE",
                "UPLOAD_CONCATENATED",
                "UPLOAD_COMPLETED",
                "UPLOAD_STALLED",
                "OVERLOADED",
            ),
        )
        router.add_api_route(
            path,
            self.terminate,
            methods=["DELETE"],
            status_code=204,
            summary="Give an upload up",
            dependencies=versioned,
            responses=refusals(*_STANDING, "UPLOAD_COMPLETED"),
        )

    async def options(self) -> Response:
        """Answer version, extensions, checksum algorithms and the largest file; needs no token."""
        return Response(status_code=204, headers=capabilities(self._limits.max_file_bytes))

    async def create(self, request: Request, caller: Caller) -> Response:
        """Create an upload; bytes in the body are its first ones.

        `Upload-Metadata` may hold `filename`, `filetype`, `priority`, `processing_options` and
        `metadata` (JSON objects) and `sha256`; what else it holds is kept in the document's
        metadata. `Upload-Concat: final;…` joins partial uploads and makes the document.
        """
        with tus_statuses():
            try:
                found = await self._created(request, caller)
            except (RefusedError, PermanentError, Problem):
                await RequestBody(request).read_on()
                raise
        headers = progress(found) | {"Location": location(found)}
        return Response(status_code=201, headers=headers)

    async def head(self, caller: Caller, upload_id: UploadId) -> Response:
        """Answer the offset to go on from. An upload that is whole becomes a document here."""
        with tus_statuses():
            found = await self._uploads.read(upload_id, owner=caller.subject)
        return Response(status_code=200, headers=description(found))

    async def patch(self, request: Request, caller: Caller, upload_id: UploadId) -> Response:
        """Append at `Upload-Offset`; with the last byte the upload becomes a document.

        What has come is kept when the connection breaks, except under an `Upload-Checksum`. Of
        two requests at once the younger one goes on.
        """
        with tus_statuses():
            try:
                found = await self._appended(request, caller, upload_id)
            except (RefusedError, PermanentError, Problem):
                await RequestBody(request).read_on()
                raise
        return Response(status_code=204, headers=progress(found))

    async def terminate(self, caller: Caller, upload_id: UploadId) -> Response:
        """End an upload and free its bytes; a document is deleted by its own address."""
        with tus_statuses():
            await self._uploads.terminate(upload_id, owner=caller.subject)
        return Response(status_code=204)

    async def _created(self, request: Request, caller: Principal) -> TusUpload:
        headers = request.headers
        said = Said(headers.get("upload-metadata"), headers.get("upload-concat"))
        concat = protocol.concatenation(headers)
        mode = UploadMode.TUS_PARTIAL if concat and concat.is_partial else UploadMode.TUS
        joins = concat is not None and concat.partials is not None
        if joins and ("upload-length" in headers or "upload-defer-length" in headers):
            raise TusHeaderInvalidError("A final upload is as long as its partial ones.")
        announced = protocol.announced(
            protocol.metadata(headers),
            caller,
            mode=mode,
            size_bytes=None if joins else protocol.length(headers),
            limits=self._limits,
        )
        if concat is not None and concat.partials is not None:
            return await self._joiner.join(announced, said, concat.partials)
        created = await self._uploads.create(announced, said)
        return await self._with_upload(request, caller, created)

    async def _with_upload(
        self, request: Request, caller: Principal, created: TusUpload
    ) -> TusUpload:
        """Take the bytes that came with the creation, if any did."""
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != protocol.MEDIA_TYPE:
            return created
        return await self._uploads.append(
            created.upload.upload_id,
            RequestBody(request).chunks(),
            owner=caller.subject,
            offset=0,
            checksum=protocol.checksum(request.headers),
        )

    async def _appended(
        self, request: Request, caller: Principal, upload_id: UploadId
    ) -> TusUpload:
        headers = request.headers
        require_media_type(headers.get("content-type", ""), protocol.MEDIA_TYPE)
        return await self._uploads.append(
            upload_id,
            RequestBody(request).chunks(),
            owner=caller.subject,
            offset=require_offset(protocol.number(headers, "Upload-Offset")),
            checksum=protocol.checksum(headers),
            size_bytes=protocol.number(headers, "Upload-Length"),
        )
