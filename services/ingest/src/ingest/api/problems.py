"""Which refusal becomes which problem document, and how they stand in the OpenAPI document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request, Response

from docyard_common.errors import PermanentError
from docyard_common.http import Problem
from docyard_common.http.problems import MEDIA_TYPE, FieldProblem
from docyard_common.media_types import EmptyFileError, TypeMismatchError, UnsupportedTypeError
from ingest.errors import RangeInvalidError, RefusedError

STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "MULTIPART_INVALID": 400,
        "UPLOAD_ABANDONED": 400,
        "ROLE_REQUIRED": 403,
        "DOCUMENT_NOT_FOUND": 404,
        "PAGE_NOT_FOUND": 404,
        "NOT_AVAILABLE": 404,
        "UPLOAD_STALLED": 408,
        "BULK_OPERATION_NOT_FOUND": 404,
        "NOT_READY": 409,
        "BULK_OPERATION_OVER": 409,
        "ALREADY_TERMINAL": 409,
        "DOCUMENT_IN_WORK": 409,
        "STAGE_NOT_REACHED": 409,
        "REPROCESSED_TOO_OFTEN": 409,
        "FILE_TOO_LARGE": 413,
        "UNSUPPORTED_TYPE": 415,
        "RANGE_NOT_SATISFIABLE": 416,
        "UNKNOWN_FIELD": 422,
        "FIELD_INVALID": 422,
        "FILE_MISSING": 422,
        "EMPTY_FILE": 422,
        "TYPE_MISMATCH": 422,
        "IDEMPOTENCY_KEY_INVALID": 422,
        "IDEMPOTENCY_KEY_REUSED": 422,
        "CURSOR_INVALID": 422,
        "TOO_MANY_UPLOADS": 429,
        "OVERLOADED": 503,
        # RFC 4331 gives 507 to quotas: the store has room, the owner has used up theirs.
        "STORAGE_QUOTA_EXCEEDED": 507,
        "DOCUMENT_QUOTA_EXCEEDED": 507,
    }
)
"""The status of every code that ingest refuses with."""

QUOTA_REFUSALS: Final = ("TOO_MANY_UPLOADS", "STORAGE_QUOTA_EXCEEDED", "DOCUMENT_QUOTA_EXCEEDED")
"""How every way in may refuse because of the owner's limits."""

_RETRY_AFTER_S: Final = {"NOT_READY": 1, "OVERLOADED": 5, "TOO_MANY_UPLOADS": 5}
_RETRYABLE: Final = frozenset({"NOT_READY", "OVERLOADED", "TOO_MANY_UPLOADS", "UPLOAD_STALLED"})
_SENTENCES: Final = {
    "MULTIPART_INVALID": "The form ends in the middle.",
    "ROLE_REQUIRED": "This needs the role operator.",
    "DOCUMENT_NOT_FOUND": "There is no such document.",
    "PAGE_NOT_FOUND": "The document has no page 12.",
    "NOT_AVAILABLE": "The text of this document was never made: see its state.",
    "UPLOAD_STALLED": "Nothing was received for 30 seconds.",
    "NOT_READY": "The text of this document is not ready yet.",
    "ALREADY_TERMINAL": "The document is completed already.",
    "BULK_OPERATION_NOT_FOUND": "There is no such operation.",
    "BULK_OPERATION_OVER": "The operation is completed already.",
    "DOCUMENT_IN_WORK": "The document is extracting: cancel it first, or wait for its end.",
    "STAGE_NOT_REACHED": "Its text was never read: leave from_stage out to begin anew.",
    "REPROCESSED_TOO_OFTEN": "The document was processed 1023 times: upload it again.",
    "FILE_TOO_LARGE": "The file is larger than 100 MiB.",
    "UNSUPPORTED_TYPE": "Files with the extension .exe are not supported.",
    "RANGE_NOT_SATISFIABLE": "The range begins behind the end of the file.",
    "UNKNOWN_FIELD": "The form has an unknown field: 'colour'.",
    "FIELD_INVALID": "priority must be one of critical, high, normal, low.",
    "FILE_MISSING": "The form has no field 'file'.",
    "EMPTY_FILE": "The file is empty.",
    "TYPE_MISMATCH": "The content is not what the extension .pdf says.",
    "IDEMPOTENCY_KEY_INVALID": "The Idempotency-Key must be 1 to 255 printable ASCII characters.",
    "IDEMPOTENCY_KEY_REUSED": "This Idempotency-Key was used with another body before.",
    "CURSOR_INVALID": "The cursor was not made by this list.",
    "TOO_MANY_UPLOADS": "64 uploads are under way and no more than 64 may be: finish one first.",
    "STORAGE_QUOTA_EXCEEDED": "The documents would take 1073741825 bytes of the 1073741824 that may"
    " be used: delete some first.",
    "DOCUMENT_QUOTA_EXCEEDED": "No more than 10000 documents may be kept: delete some first.",
    "OVERLOADED": "Too many uploads are under way; try again soon.",
    "TOKEN_MISSING": "An access token is needed.",
    "DEPENDENCY_UNAVAILABLE": "The service can not reach its database; try again shortly.",
}
_COMMON: Final = {"TOKEN_MISSING": 401, "DEPENDENCY_UNAVAILABLE": 503}


def install(app: FastAPI) -> None:
    """Answer ingest's refusals as problem documents."""
    app.add_exception_handler(RefusedError, _refused)
    for kind in (EmptyFileError, UnsupportedTypeError, TypeMismatchError):
        app.add_exception_handler(kind, _judged)


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route: one entry a status, one example a code."""
    statuses = {code: STATUSES[code] for code in codes} | _COMMON
    described: dict[int | str, dict[str, Any]] = {}
    for code, status in sorted(statuses.items(), key=lambda entry: (entry[1], entry[0])):
        entry = described.setdefault(status, _empty_entry())
        entry["content"][MEDIA_TYPE]["examples"][code] = {"value": _example(code, status)}
        named = ", ".join(entry["content"][MEDIA_TYPE]["examples"])
        entry["description"] = f"Refused: {named}"
    return described


def _empty_entry() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": "", "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}


def _example(code: str, status: int) -> dict[str, Any]:
    problem = Problem(status, code, _SENTENCES[code])
    return {
        "type": f"urn:docyard:problem:{code.lower().replace('_', '-')}",
        "title": problem.title,
        "status": status,
        "detail": problem.detail,
        "code": code,
        "retryable": problem.retryable or code in _RETRYABLE,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)  # noqa: S101 - Starlette types handlers by Exception
    extra: dict[str, Any] = {}
    if error.field is not None:
        extra["errors"] = [_field(error)]
    if document_id := request.path_params.get("document_id"):
        extra["document_id"] = str(document_id)
    return Problem(
        STATUSES[error.code],
        error.code,
        error.detail,
        retryable=error.code in _RETRYABLE,
        headers=_headers(error),
        **extra,
    ).response()


async def _judged(_: Request, error: Exception) -> Response:
    assert isinstance(error, PermanentError)  # noqa: S101 - as above
    code = error.reason.value.upper()
    return Problem(STATUSES[code], code, str(error), retryable=False).response()


def _field(error: RefusedError) -> FieldProblem:
    location = "query" if error.field == "cursor" else "body"
    return FieldProblem(
        field=error.field or "", location=location, code=error.code.lower(), message=error.detail
    )


def _headers(error: RefusedError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.code in _RETRY_AFTER_S:
        headers["Retry-After"] = str(_RETRY_AFTER_S[error.code])
    if isinstance(error, RangeInvalidError):
        headers["Content-Range"] = f"bytes */{error.size_bytes}"
    return headers
