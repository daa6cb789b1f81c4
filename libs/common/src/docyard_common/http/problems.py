"""Problem documents (RFC 9457): what every answer that is no success looks like."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from docyard_common.observability.tracing import current_ids

MEDIA_TYPE: Final = "application/problem+json"

_RETRYABLE: Final = frozenset({408, 425, 429, 502, 503, 504})
_CODES: Final = {
    413: "PAYLOAD_TOO_LARGE",
    414: "URI_TOO_LONG",
    416: "RANGE_NOT_SATISFIABLE",
    422: "VALIDATION_FAILED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
# As RFC 9110 has them; the standard library does so from Python 3.13 on.
_PHRASES: Final = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


class FieldProblem(BaseModel):
    """One field that was refused."""

    field: str  # dotted, as in `processing_options.ocr`
    location: str  # body, query, path, header or cookie
    code: str  # as in `missing` or `extra_forbidden`
    message: str


class ProblemDocument(BaseModel):
    """An error for people (`title`, `detail`) and programs (`code`, `retryable`)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(examples=["NOT_FOUND"])  # stable
    retryable: bool  # whether the same request may succeed later
    trace_id: str | None = None
    errors: list[FieldProblem] | None = None


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Raise it anywhere below the edge: it becomes the answer.

    *detail* is one sentence for the caller, without paths or internals; *extra* are members such
    as `document_id`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str | None = None,
        retryable: bool | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.title = title or _phrase(status)
        self.retryable = status in _RETRYABLE if retryable is None else retryable
        self.headers = dict(headers or {})
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """Return the document as JSON data; `trace_id` is the current trace."""
        ids = current_ids()
        members = {
            "type": f"urn:docyard:problem:{self.code.lower().replace('_', '-')}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "trace_id": ids[0] if ids else None,
        }
        present = {name: value for name, value in members.items() if value is not None}
        document: dict[str, Any] = jsonable_encoder(present | self.extra)
        return document

    def response(self) -> JSONResponse:
        """Write the document as an answer."""
        return JSONResponse(
            self.document(),
            status_code=self.status,
            headers=self.headers,
            media_type=MEDIA_TYPE,
        )


def of_status(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Problem:
    """Return the plain problem of an HTTP status."""
    return Problem(status, code_of(status), detail or _phrase(status), headers=headers)


def of_fields(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the 422 that names every refused field; what was sent is not repeated."""
    fields = [_field(error) for error in errors]
    named = ", ".join(field["field"] for field in fields[:5])
    return Problem(422, code_of(422), f"Refused: {named}.", errors=fields)


def of_outage(dependency: str, *, retry_after_s: int = 5) -> Problem:
    """Return the 503 for a dependency that does not answer."""
    detail = f"The service can not reach its {dependency.replace('_', ' ')}; try again shortly."
    headers = {"Retry-After": str(retry_after_s)}
    return Problem(503, "DEPENDENCY_UNAVAILABLE", detail, headers=headers, dependency=dependency)


def code_of(status: int) -> str:
    """Return the code of a status that nothing more is known about."""
    return _CODES.get(status) or _status(status).name


def _field(error: Mapping[str, Any]) -> dict[str, str]:
    location, *path = (str(part) for part in error["loc"])
    if error["type"] == "json_invalid":
        path = []  # it holds a character position there
    return FieldProblem(
        field=".".join(path) or location,
        location=location,
        code=error["type"],
        message=error["msg"],
    ).model_dump()


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or _status(status).phrase


def _status(status: int) -> HTTPStatus:
    try:
        return HTTPStatus(status)
    except ValueError:
        return (
            HTTPStatus.BAD_REQUEST if status < HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus(500)
        )
