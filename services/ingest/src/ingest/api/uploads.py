"""Ways in by HTTP."""

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from ingest.api.bodies import RequestBody
from ingest.api.callers import Caller, IdempotencyKey
from ingest.api.links import API, LinkMaker
from ingest.api.options import OPTIONS_FIELD
from ingest.api.problems import refusals
from ingest.api.receiving import FILE_REFUSALS, FORM_REFUSALS, incoming, received
from ingest.api.upload_models import UploadAccepted
from ingest.uploads.simple import SimpleUpload

STREAMED: Final = f"{API}/documents/upload/simple"
_MODE: Final = "simple"
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "Fields may come before or after the file; unknown ones are refused.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "priority": {
                            "type": "string",
                            "enum": ["critical", "high", "normal", "low"],
                            "default": "normal",
                        },
                        "processing_options": OPTIONS_FIELD,
                        "metadata": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "examples": ['{"customer": "4711"}'],
                        },
                    },
                }
            }
        },
    }
}


class UploadRoutes:
    """Routes that take documents in."""

    def __init__(self, *, simple: SimpleUpload, links: LinkMaker) -> None:
        self._simple = simple
        self._links = links

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["uploads"])
        router.add_api_route(
            "/documents/upload/simple",
            self.simple,
            methods=["POST"],
            status_code=202,
            summary="Upload one document by a form",
            openapi_extra=_FORM,
            responses=refusals(*FORM_REFUSALS, *FILE_REFUSALS),
        )
        return router

    async def simple(
        self,
        request: Request,
        response: Response,
        caller: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> UploadAccepted:
        """Stream a file into the store. 202 says: its bytes are durable and its work is queued.

        A refused upload leaves nothing behind. With an `Idempotency-Key` the same body answers
        the first answer again (`Idempotency-Replayed: true`); another body is refused.
        """
        body = RequestBody(request)
        upload = partial(incoming, request, body, caller, idempotency_key)
        receipt = await received(body, upload, self._simple.receive, mode=_MODE)
        links = self._links.of(receipt.document_id)
        response.headers["Location"] = links.self
        if receipt.repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return UploadAccepted(
            document_id=receipt.document_id, job_id=receipt.document_id, links=links
        )
