"""What routes that receive a form have in common: the request as it is handed on, its metrics."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from fastapi import Request

from docyard_common.auth import Principal
from docyard_common.errors import DocyardError, PermanentError
from docyard_common.observability import metrics
from ingest.api.bodies import RequestBody, content_length
from ingest.api.callers import checked_key
from ingest.api.problems import QUOTA_REFUSALS
from ingest.errors import RefusedError, UploadAbandonedError
from ingest.uploads.form import boundary_of
from ingest.uploads.forms import IncomingUpload

_Outcome = TypeVar("_Outcome")

FORM_REFUSALS: Final = (
    "MULTIPART_INVALID",
    "UPLOAD_STALLED",
    "UNKNOWN_FIELD",
    "FIELD_INVALID",
    "FILE_MISSING",
    "IDEMPOTENCY_KEY_INVALID",
    "OVERLOADED",
    *QUOTA_REFUSALS,
)
"""How every door that takes a form may refuse it."""
FILE_REFUSALS: Final = (
    "FILE_TOO_LARGE",
    "UNSUPPORTED_TYPE",
    "EMPTY_FILE",
    "TYPE_MISMATCH",
    "IDEMPOTENCY_KEY_REUSED",
)
"""How one that takes a single file may refuse that."""


def incoming(
    request: Request, body: RequestBody, caller: Principal, key: str | None
) -> IncomingUpload:
    """Return the upload that *request* is. Raises RefusedError for a key or form of no use."""
    return IncomingUpload(
        owner=caller.subject,
        boundary=boundary_of(request.headers.get("content-type", "")),
        body=body.chunks(),
        declared_bytes=content_length(request),
        idempotency_key=checked_key(key),
    )


async def received(
    body: RequestBody,
    upload: Callable[[], IncomingUpload],
    receive: Callable[[IncomingUpload], Awaitable[_Outcome]],
    *,
    mode: str,
) -> _Outcome:
    """Return what *receive* makes of the form; the *body* of one that is refused is read on.

    Counted under *mode*. Raises what *upload* and *receive* do.
    """
    try:
        with metered(mode):
            return await receive(upload())
    except (RefusedError, PermanentError):
        await body.read_on()
        raise


@contextmanager
def metered(mode: str) -> Iterator[None]:
    """Count an upload and how it ended."""
    started = time.perf_counter()
    metrics.UPLOADS_CREATED.labels(mode).inc()
    try:
        with metrics.UPLOADS_IN_PROGRESS.track_inprogress():
            yield
    except DocyardError as error:
        refused(mode, error)
        raise
    metrics.UPLOADS_COMPLETED.labels(mode).inc()
    metrics.UPLOAD_DURATION.labels(mode).observe(time.perf_counter() - started)


def refused(mode: str, error: DocyardError) -> None:
    """Count an upload that ended without a document."""
    code = code_of(error)
    if code == UploadAbandonedError.code:
        metrics.UPLOADS_ABORTED.labels(mode).inc()
    else:
        metrics.UPLOADS_REJECTED.labels(mode, code).inc()


def code_of(error: DocyardError) -> str:
    """Return the problem's code of *error*."""
    if isinstance(error, RefusedError):
        return error.code
    return error.reason.value.upper() if isinstance(error, PermanentError) else "UNAVAILABLE"
