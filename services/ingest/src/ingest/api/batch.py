"""Several documents by one form."""

from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from docyard_common.errors import DocyardError
from docyard_common.http.problems import ProblemDocument
from docyard_common.observability import metrics
from ingest.api.bodies import RequestBody
from ingest.api.callers import Caller, IdempotencyKey
from ingest.api.links import API, LinkMaker
from ingest.api.models import Answer, Links
from ingest.api.options import OPTIONS_FIELD
from ingest.api.problems import problem_of, refusals
from ingest.api.receiving import FORM_REFUSALS, incoming, received, refused
from ingest.uploads.batch import BatchItem, BatchOutcome, BatchUpload

STREAMED: Final = f"{API}/documents/upload/batch"
_MODE: Final = "batch"
_ACCEPTED: Final = 202
_MULTI_STATUS: Final = 207
_JSON: Final = {"type": "string", "contentMediaType": "application/json"}
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The text fields come before the files, which are accepted one by one."
        " `priority`, `processing_options` and `metadata` hold for every file; `per_file` is an"
        " array whose entries, in the order of the files, say what differs for one.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "additionalProperties": False,
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        },
                        "priority": {
                            "type": "string",
                            "enum": ["critical", "high", "normal", "low"],
                            "default": "normal",
                        },
                        "processing_options": OPTIONS_FIELD,
                        "metadata": _JSON,
                        "per_file": {
                            **_JSON,
                            "examples": ['[{"priority": "high", "metadata": {"page": 1}}, {}]'],
                        },
                    },
                }
            }
        },
    }
}


class BatchItemOut(Answer):
    """What became of one file; `error` says why it was refused, as a problem document."""

    index: int  # in the order of the form, from 0
    filename: str
    status: Literal["accepted", "refused"]
    http_status: int  # what the simple upload would have answered
    document_id: UUID | None = None
    job_id: UUID | None = None  # the same as document_id
    links: Links | None = None
    repeated: bool = False  # an earlier request under this Idempotency-Key has made it
    error: ProblemDocument | None = None


class BatchOut(Answer):
    """What became of each file; `error` says why what came behind the last was not read."""

    accepted: int
    refused: int
    items: list[BatchItemOut]
    error: ProblemDocument | None = None


class BatchRoutes:
    """The one route that takes several files."""

    def __init__(self, *, batch: BatchUpload, links: LinkMaker) -> None:
        self._batch = batch
        self._links = links

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["uploads"])
        router.add_api_route(
            "/documents/upload/batch",
            self.batch,
            methods=["POST"],
            status_code=_ACCEPTED,
            summary="Upload several documents by one form",
            openapi_extra=_FORM,
            responses={
                _MULTI_STATUS: {"model": BatchOut, "description": "Some files were refused"},
                **refusals("BATCH_TOO_LARGE", "TOO_MANY_FILES", *FORM_REFUSALS),
            },
        )
        return router

    async def batch(
        self,
        request: Request,
        response: Response,
        caller: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> BatchOut:
        """Stream files into the store; each is accepted or refused by itself as it ends.

        202: all were accepted. 207: read `items`, one for each file. A form that breaks in the
        middle keeps what was accepted by then: 207 with `error`. Is nothing accepted by then, the
        whole is refused. With an `Idempotency-Key` a repeat makes only what is still missing.
        """
        body = RequestBody(request)
        upload = partial(incoming, request, body, caller, idempotency_key)
        outcome = await received(body, upload, self._batch.receive, mode=_MODE)
        if outcome.broken is not None:
            await body.read_on()
        _count(outcome)
        answer = self._shown(outcome)
        if answer.refused or answer.error:
            response.status_code = _MULTI_STATUS
        return answer

    def _shown(self, outcome: BatchOutcome) -> BatchOut:
        items = [self._item(index, item) for index, item in enumerate(outcome.items)]
        accepted = sum(item.status == "accepted" for item in items)
        return BatchOut(
            accepted=accepted,
            refused=len(items) - accepted,
            items=items,
            error=_problem(outcome.broken),
        )

    def _item(self, index: int, item: BatchItem) -> BatchItemOut:
        if item.receipt is None:
            error = _problem(item.error)
            return BatchItemOut(
                index=index,
                filename=item.filename,
                status="refused",
                http_status=error.status if error else 500,
                error=error,
            )
        document_id = item.receipt.document_id
        return BatchItemOut(
            index=index,
            filename=item.filename,
            status="accepted",
            http_status=_ACCEPTED,
            document_id=document_id,
            job_id=document_id,
            links=self._links.of(document_id),
            repeated=item.receipt.repeated,
        )


def _count(outcome: BatchOutcome) -> None:
    """Count each file: the request as a whole was counted as one upload."""
    for item in outcome.items:
        if item.error is not None:
            refused(_MODE, item.error)
    metrics.UPLOADS_COMPLETED.labels(_MODE).inc(
        max(sum(item.receipt is not None for item in outcome.items) - 1, 0)
    )


def _problem(error: DocyardError | None) -> ProblemDocument | None:
    if error is None:
        return None
    return ProblemDocument.model_validate(problem_of(error).document())
