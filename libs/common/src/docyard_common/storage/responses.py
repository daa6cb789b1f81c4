"""What S3 answers, read into what the port promises."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from minio.datatypes import Object
from minio.error import S3Error
from urllib3 import BaseHTTPResponse

from docyard_common.errors import DependencyUnavailableError, DocyardError
from docyard_common.storage.blocking import translated
from docyard_common.storage.port import ObjectStat

_WHOLE: Final = "FULL_OBJECT"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def object_stat(found: Object) -> ObjectStat:
    """Return the port's view of an object that was listed or asked for."""
    return ObjectStat(
        key=found.object_name or "",
        size_bytes=found.size or 0,
        etag=(found.etag or "").strip('"'),
        content_type=found.content_type or "",
        modified_at=found.last_modified or _EPOCH,
    )


def verified_sha256(headers: Mapping[str, str]) -> str | None:
    """Return the SHA-256 (hex) that the store held the whole object against when it was put.

    None where the client stated none. What S3 tells of an object in parts is no hash of its bytes,
    but one of their hashes: it ends in a dash and a number.
    """
    if headers.get("x-amz-checksum-type", _WHOLE) != _WHOLE:
        return None
    try:
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""), validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


@contextmanager
def reading(response: BaseHTTPResponse) -> Iterator[BaseHTTPResponse]:
    """Give the connection back when the body was read, and drop it when reading broke off."""
    try:
        yield response
    finally:
        release(response)


def release(response: BaseHTTPResponse) -> None:
    """Close what is left of the body. The pool only keeps a connection that is at its end."""
    response.close()
    response.release_conn()


def refusal(response: BaseHTTPResponse, key: str) -> DocyardError:
    """Return the error that an answer other than 2xx to a PUT means."""
    if not response.data:
        return DependencyUnavailableError("object_store", f"HTTP {response.status}")
    try:
        error = S3Error.fromxml(response)
    except ValueError:
        return DependencyUnavailableError("object_store", f"HTTP {response.status}")
    return translated(error.code, f"{key}: {error.message}")
