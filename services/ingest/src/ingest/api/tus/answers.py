"""The headers of tus answers, and its own statuses for what other doors answer differently."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from email.utils import format_datetime
from typing import Final

from docyard_common.http import Problem
from ingest.api.links import API
from ingest.api.tus.middleware import PATH
from ingest.api.tus.protocol import CHECKSUMS, EXTENSIONS, VERSION
from ingest.errors import (
    ChunkHashMismatchError,
    TusHeaderInvalidError,
    UploadEndedError,
)
from ingest.upload import UploadState
from ingest.uploads.tus import TusUpload

_GONE: Final = 410
_CHECKSUM_MISMATCH: Final = 460
_PRECONDITION_FAILED: Final = 412
DOCUMENT_ID: Final = "Docyard-Document-Id"


def capabilities(max_size: int) -> dict[str, str]:
    """Return what OPTIONS tells: versions, extensions, and the largest file in bytes."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_size),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }


def location(found: TusUpload) -> str:
    """Return where the upload is, relative to this service: it may stand behind a proxy."""
    return f"{PATH}/{found.upload.upload_id}"


def progress(found: TusUpload) -> dict[str, str]:
    """Return how far the upload is, until when it may go on, and the document it became."""
    upload = found.upload
    headers = {"Upload-Offset": str(found.offset)}
    if upload.state is UploadState.OPEN:
        headers["Upload-Expires"] = format_datetime(upload.expires_at.astimezone(UTC), usegmt=True)
    if upload.result_id is not None:
        headers[DOCUMENT_ID] = str(upload.result_id)
        headers["Link"] = f'<{API}/documents/{upload.result_id}>; rel="describedby"'
    return headers


def description(found: TusUpload) -> dict[str, str]:
    """Return all that HEAD tells."""
    size = found.upload.announced.size_bytes
    headers = progress(found) | {"Cache-Control": "no-store"}
    headers |= {"Upload-Defer-Length": "1"} if size is None else {"Upload-Length": str(size)}
    if found.said.metadata:
        headers["Upload-Metadata"] = found.said.metadata
    if found.said.concat:
        headers["Upload-Concat"] = found.said.concat
    return headers


def require_version(version: str | None) -> None:
    """Refuse clients of another version with 412, as the protocol says. Raises Problem."""
    if version != VERSION:
        raise Problem(
            _PRECONDITION_FAILED,
            "TUS_VERSION_UNSUPPORTED",
            f"Send Tus-Resumable: {VERSION}.",
            headers={"Tus-Version": VERSION},
        )


@contextmanager
def tus_statuses() -> Iterator[None]:
    """Answer a wrong checksum with 460, and uploads that ended with 410. Raises Problem.

    At 410 clients forget the upload and begin anew.
    """
    try:
        yield
    except ChunkHashMismatchError as error:
        raise Problem(
            _CHECKSUM_MISMATCH,
            error.code,
            error.detail,
            title="Checksum Mismatch",
            retryable=True,
        ) from error
    except UploadEndedError as error:
        raise Problem(_GONE, error.code, error.detail) from error


def require_offset(offset: int | None) -> int:
    """Return the `Upload-Offset`. Raises TusHeaderInvalidError without one."""
    if offset is None:
        raise TusHeaderInvalidError("Upload-Offset must say where the bytes belong.")
    return offset


def require_media_type(content_type: str, expected: str) -> None:
    """Refuse bodies of another type with 415. Raises Problem."""
    if content_type.partition(";")[0].strip().lower() != expected:
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", f"Send the bytes as {expected}.")
