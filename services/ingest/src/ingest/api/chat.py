"""Uploads of a chat by HTTP, in the shapes that chat clients read: `{success, data}`."""

from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from docyard_common.events.stages import DocumentState
from ingest.api.bodies import RequestBody
from ingest.api.callers import Caller, IdempotencyKey
from ingest.api.models import Answer, DocumentError
from ingest.api.options import OPTIONS_FIELD
from ingest.api.problems import refusals
from ingest.api.receiving import FILE_REFUSALS, FORM_REFUSALS, incoming, received
from ingest.chat.jobs import ChatJobs, ChatStatus
from ingest.chat.upload import ChatUpload
from ingest.document import Document

_PREFIX: Final = "/api/chat/upload"
STREAMED: Final = f"{_PREFIX}/async"
_MODE: Final = "chat"
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "session_id"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "processing_options": OPTIONS_FIELD,
                        "session_id": {"type": "string", "maxLength": 200},
                        "message": {
                            "type": "string",
                            "maxLength": 8000,
                            "description": "A question that the document should answer.",
                        },
                        "references": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": "Ids of documents uploaded before, at most 10.",
                        },
                    },
                }
            }
        },
    }
}


class ChatModel(Answer):
    """Names in camelCase, as chat clients write them."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class ChatPassage(ChatModel):
    """A place in a document that the answer was made from."""

    file_id: UUID
    filename: str
    page_first: int
    page_last: int
    text: str


class AiResponse(ChatModel):
    """The answer; `model` is null where it is the summary and the passages themselves."""

    text: str
    model: str | None
    passages: list[ChatPassage]


class ChatResult(ChatModel):
    """What the job came to; `file_id` can be referred to by later uploads."""

    ai_response: AiResponse
    file_id: UUID


class ChatData(ChatModel):
    """Where the job is."""

    job_id: UUID
    status: Literal["pending", "processing", "completed", "failed"]
    progress: float = 0.0
    result: ChatResult | None = None
    error: DocumentError | None = None


class ChatAnswerOut(ChatModel):
    """`success` says that the request was understood, not how the document fared."""

    success: Literal[True] = True
    data: ChatData


class ChatRoutes:
    """Upload, and ask until the answer is there."""

    def __init__(self, *, upload: ChatUpload, jobs: ChatJobs) -> None:
        self._upload = upload
        self._jobs = jobs

    def router(self) -> APIRouter:
        router = APIRouter(prefix=_PREFIX, tags=["chat"])
        router.add_api_route(
            "/async",
            self.upload,
            methods=["POST"],
            status_code=202,
            response_model_exclude_none=True,
            summary="Upload a document with a question",
            openapi_extra=_FORM,
            responses=refusals("DOCUMENT_NOT_FOUND", *FORM_REFUSALS, *FILE_REFUSALS),
        )
        router.add_api_route(
            "/status/{job_id}",
            self.status,
            response_model_exclude_none=True,
            summary="Read a chat upload's answer",
            responses=refusals("CHAT_JOB_NOT_FOUND"),
        )
        return router

    async def upload(
        self,
        request: Request,
        response: Response,
        caller: Caller,
        idempotency_key: IdempotencyKey = None,
    ) -> ChatAnswerOut:
        """Take a document and what is asked about it. 202: both are durable.

        The document is one like every other: it is listed, searched and deleted as such.
        """
        body = RequestBody(request)
        upload = partial(incoming, request, body, caller, idempotency_key)
        receipt = await received(body, upload, self._upload.receive, mode=_MODE)
        response.headers["Location"] = f"{_PREFIX}/status/{receipt.document_id}"
        if receipt.repeated:
            response.headers["Idempotency-Replayed"] = "true"
        return ChatAnswerOut(data=ChatData(job_id=receipt.document_id, status="pending"))

    async def status(self, caller: Caller, job_id: UUID) -> ChatAnswerOut:
        """Answer how far the document is, and once it is processed the answer to the question.

        Its text is the summary and the passages that answer, with their pages; or what a language
        model made of them, where one is configured.
        """
        status = await self._jobs.status(job_id, owner=caller.subject)
        return ChatAnswerOut(data=_data(status))


def _data(status: ChatStatus) -> ChatData:
    view = status.document.view
    return ChatData(
        job_id=view.document_id,
        status=_word(status),
        progress=view.progress,
        result=_result(status),
        error=_error(status.document),
    )


def _word(status: ChatStatus) -> Literal["pending", "processing", "completed", "failed"]:
    state = status.document.view.state
    if state is DocumentState.ACCEPTED:
        return "pending"
    if state is DocumentState.COMPLETED:
        return "processing" if status.answer is None else "completed"
    return "failed" if state.is_terminal else "processing"


def _result(status: ChatStatus) -> ChatResult | None:
    if status.answer is None:
        return None
    passages = [
        ChatPassage(
            file_id=passage["document_id"],
            filename=passage["filename"],
            page_first=passage["page_first"],
            page_last=passage["page_last"],
            text=passage["text"],
        )
        for passage in status.answer["passages"]
    ]
    return ChatResult(
        ai_response=AiResponse(
            text=status.answer["text"], model=status.answer["model"], passages=passages
        ),
        file_id=status.document.document_id,
    )


def _error(document: Document) -> DocumentError | None:
    view = document.view
    if not view.state.is_terminal or view.state is DocumentState.COMPLETED:
        return None
    if view.error is None:
        return DocumentError(
            code=view.state.value, message=f"The document was {view.state.value}.", retryable=False
        )
    return DocumentError(
        code=view.error.code, message=view.error.message, retryable=view.error.retryable
    )
