"""Which refusal becomes which problem document, and how they stand in the OpenAPI document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request, Response

from docyard_common.errors import DependencyUnavailableError, DocyardError, PermanentError
from docyard_common.http import Problem, problems
from docyard_common.http.problems import MEDIA_TYPE, FieldProblem
from docyard_common.media_types import EmptyFileError, TypeMismatchError, UnsupportedTypeError
from ingest.errors import (
    OffsetMismatchError,
    PartsMissingError,
    RangeInvalidError,
    RefusedError,
    UploadCompletedError,
)

STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "MULTIPART_INVALID": 400,
        "UPLOAD_ABANDONED": 400,
        "FOLDER_NOT_ALLOWED": 403,
        "TUS_HEADER_INVALID": 400,
        "ROLE_REQUIRED": 403,
        "UPLOAD_CONCATENATED": 403,
        "DOCUMENT_NOT_FOUND": 404,
        "ENTITY_NOT_FOUND": 404,
        "RELATION_NOT_FOUND": 404,
        "FOLDER_JOB_NOT_FOUND": 404,
        "API_KEY_NOT_FOUND": 404,
        "CHAT_JOB_NOT_FOUND": 404,
        "PAGE_NOT_FOUND": 404,
        "NOT_AVAILABLE": 404,
        "UPLOAD_NOT_FOUND": 404,
        "UPLOAD_STALLED": 408,
        "BULK_OPERATION_NOT_FOUND": 404,
        "UPLOAD_ENDED": 409,
        "UPLOAD_COMPLETED": 409,
        "UPLOAD_BUSY": 409,
        "PARTS_MISSING": 409,
        "PART_CONFLICT": 409,
        "OFFSET_MISMATCH": 409,
        "NOT_READY": 409,
        "BULK_OPERATION_OVER": 409,
        "ALREADY_TERMINAL": 409,
        "DOCUMENT_IN_WORK": 409,
        "STAGE_NOT_REACHED": 409,
        "REPROCESSED_TOO_OFTEN": 409,
        "UPLOAD_ID_TAKEN": 409,
        "ORIGINAL_REMOVED": 409,
        "UPLOAD_EXPIRED": 410,
        "FILE_TOO_LARGE": 413,
        "PART_TOO_LARGE": 413,
        "BATCH_TOO_LARGE": 413,
        "TOO_MANY_FILES": 413,
        "UNSUPPORTED_TYPE": 415,
        "RANGE_NOT_SATISFIABLE": 416,
        "UNKNOWN_FIELD": 422,
        "FIELD_INVALID": 422,
        "FILE_MISSING": 422,
        "FILENAME_INVALID": 422,
        "FILE_SIZE_MISMATCH": 422,
        "FILE_HASH_MISMATCH": 422,
        "PARTIAL_INVALID": 422,
        "PART_NUMBER_INVALID": 422,
        "PART_SIZE_INVALID": 422,
        "TOTAL_PARTS_MISMATCH": 422,
        "CHUNK_HASH_INVALID": 422,
        "CHUNK_HASH_MISMATCH": 422,
        "EMPTY_FILE": 422,
        "TYPE_MISMATCH": 422,
        "IDEMPOTENCY_KEY_INVALID": 422,
        "IDEMPOTENCY_KEY_REUSED": 422,
        "CURSOR_INVALID": 422,
        "TOO_MANY_UPLOADS": 429,
        "FOLDER_MISSING": 422,
        "FOLDER_UNREADABLE": 422,
        "DESTINATION_INVALID": 422,
        "OVERLOADED": 503,
        # RFC 4331 gives 507 to quotas: the store has room, the owner has used up theirs.
        "STORAGE_QUOTA_EXCEEDED": 507,
        "DOCUMENT_QUOTA_EXCEEDED": 507,
    }
)
"""The status of every code that ingest refuses with."""

QUOTA_REFUSALS: Final = ("TOO_MANY_UPLOADS", "STORAGE_QUOTA_EXCEEDED", "DOCUMENT_QUOTA_EXCEEDED")
"""How every way in may refuse because of the owner's limits."""

_RETRY_AFTER_S: Final = {"NOT_READY": 1, "OVERLOADED": 5, "TOO_MANY_UPLOADS": 5, "UPLOAD_BUSY": 1}
_RETRYABLE: Final = frozenset({*_RETRY_AFTER_S, "UPLOAD_STALLED", "CHUNK_HASH_MISMATCH"})
_SENTENCES: Final = {
    "MULTIPART_INVALID": "The form ends in the middle.",
    "ROLE_REQUIRED": "This needs the role operator.",
    "DOCUMENT_NOT_FOUND": "There is no such document.",
    "ENTITY_NOT_FOUND": "None of your documents names such an entity.",
    "RELATION_NOT_FOUND": "None of your documents shows such a relation.",
    "API_KEY_NOT_FOUND": "There is no such API key.",
    "CHAT_JOB_NOT_FOUND": "There is no such chat upload.",
    "PAGE_NOT_FOUND": "The document has no page 12.",
    "NOT_AVAILABLE": "The text of this document was never made: see its state.",
    "UPLOAD_NOT_FOUND": "There is no such upload.",
    "UPLOAD_ENDED": "The upload was cancelled; start it again.",
    "UPLOAD_COMPLETED": "The upload has become a document.",
    "UPLOAD_BUSY": "The upload is being completed; ask again soon.",
    "PARTS_MISSING": "These parts are missing: 3, 7.",
    "PART_CONFLICT": "Part 3 came with other bytes before; cancel the upload, start again.",
    "OFFSET_MISMATCH": "The upload has 8192 bytes; go on from there.",
    "UPLOAD_EXPIRED": "The upload was not finished in time; start it again.",
    "PART_TOO_LARGE": "Part 3 must have 8388608 bytes, but has more.",
    "FILENAME_INVALID": "The filename holds a path; send the name alone.",
    "FILE_SIZE_MISMATCH": "The file has 5 bytes, but was announced with 6.",
    "FILE_HASH_MISMATCH": "The file's SHA-256 is not the one that was announced.",
    "TUS_HEADER_INVALID": "Send either Upload-Length or Upload-Defer-Length: 1.",
    "UPLOAD_CONCATENATED": "The upload is made of others; nothing can be added.",
    "PARTIAL_INVALID": "A partial upload is not whole: it has 100 bytes of 200.",
    "PART_NUMBER_INVALID": "The upload has the parts 1 to 12.",
    "PART_SIZE_INVALID": "Part 3 must have 8388608 bytes, but has 100.",
    "TOTAL_PARTS_MISMATCH": "The upload has 12 parts, as its opening answered.",
    "CHUNK_HASH_INVALID": "chunk_hash must be an MD5 or SHA-256 in hex.",
    "CHUNK_HASH_MISMATCH": "The md5 of what was received is not the stated one; send it again.",
    "UPLOAD_STALLED": "Nothing was received for 30 seconds.",
    "NOT_READY": "The text of this document is not ready yet.",
    "ALREADY_TERMINAL": "The document is completed already.",
    "BULK_OPERATION_NOT_FOUND": "There is no such operation.",
    "BULK_OPERATION_OVER": "The operation is completed already.",
    "DOCUMENT_IN_WORK": "The document is extracting: cancel it first, or wait for its end.",
    "STAGE_NOT_REACHED": "Its text was never read: leave from_stage out to begin anew.",
    "ORIGINAL_REMOVED": "Its bytes are not kept any more: use from_stage analyze or index.",
    "REPROCESSED_TOO_OFTEN": "The document was processed 1023 times: upload it again.",
    "FILE_TOO_LARGE": "The file is larger than 100 MiB.",
    "BATCH_TOO_LARGE": "The files of a batch may have no more than 1048576000 bytes together.",
    "TOO_MANY_FILES": "A batch holds no more than 10 files.",
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
    "FOLDER_NOT_ALLOWED": "Only folders below those that SYNC__ROOTS names may be read.",
    "FOLDER_JOB_NOT_FOUND": "There is no such folder job.",
    "FOLDER_MISSING": "There is no such folder on the machine of Docyard.",
    "FOLDER_UNREADABLE": "Docyard may not read the folder.",
    "DESTINATION_INVALID": "A bucket's name must not look like an IP address.",
    "UPLOAD_ID_TAKEN": "Another job of yours has this upload_id.",
    "RATE_LIMITED": "No more than 60 requests a minute and 10 at once: try again in 1 s.",
    "TOKEN_MISSING": "An access token is needed.",
    "DEPENDENCY_UNAVAILABLE": "The service can not reach its database; try again shortly.",
}
_COMMON: Final = {"TOKEN_MISSING": 401, "RATE_LIMITED": 429, "DEPENDENCY_UNAVAILABLE": 503}


def install(app: FastAPI) -> None:
    """Answer ingest's refusals as problem documents."""
    for kind in (RefusedError, EmptyFileError, UnsupportedTypeError, TypeMismatchError):
        app.add_exception_handler(kind, _answered)


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


async def _answered(request: Request, error: Exception) -> Response:
    assert isinstance(error, DocyardError)  # noqa: S101 - Starlette types handlers by Exception
    extra: dict[str, Any] = {}
    for name in ("document_id", "upload_id"):
        if given := request.path_params.get(name):
            extra[name] = str(given)
    return problem_of(error, **extra).response()


def problem_of(error: DocyardError, **extra: Any) -> Problem:
    """Return what clients see of *error*, with *extra* members."""
    if isinstance(error, RefusedError):
        return _refused(error, extra | _told(error))
    if isinstance(error, DependencyUnavailableError):
        return problems.of_outage(error.dependency)
    code = error.reason.value.upper() if isinstance(error, PermanentError) else "INTERNAL_ERROR"
    return Problem(STATUSES.get(code, 500), code, str(error), retryable=False, **extra)


def _told(error: RefusedError) -> dict[str, Any]:
    """Return the members that *error* brings itself."""
    match error:
        case PartsMissingError():
            return {"missing_parts": list(error.missing)}
        case UploadCompletedError():
            return {"document_id": str(error.document_id)}
        case OffsetMismatchError():
            return {"offset": error.offset}
        case _:
            return {}


def _refused(error: RefusedError, extra: dict[str, Any]) -> Problem:
    if error.field is not None:
        extra["errors"] = [_field(error)]
    return Problem(
        STATUSES[error.code],
        error.code,
        error.detail,
        retryable=error.code in _RETRYABLE,
        headers=_headers(error),
        **extra,
    )


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
