"""tus 1.0 as text: what its headers say, and what a file's metadata is called by its clients."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from docyard_common.auth import Principal
from docyard_common.events.stages import Priority
from ingest.errors import FieldInvalidError, TusHeaderInvalidError
from ingest.settings import LimitSettings
from ingest.upload import Announcement, UploadMode
from ingest.uploads.checksums import Checksum
from ingest.uploads.fields import METADATA, OPTIONS, require_known, require_storable
from ingest.uploads.standing import require_filename

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,"
    "concatenation"
)
CHECKSUMS: Final = ("sha1", "md5", "sha256", "sha512")
MEDIA_TYPE: Final = "application/offset+octet-stream"

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]+")  # printable ASCII without space and comma
_MEDIA_TYPE: Final = re.compile(r"[\x20-\x7e]{0,255}")  # what an HTTP header can carry
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_FINAL: Final = "final;"
_UNNAMED: Final = "unnamed"
_NAMES: Final = ("filename", "name")  # tus-js-client's word, and Uppy's
_TYPES: Final = ("filetype", "type")
_READ: Final = frozenset({*_NAMES, *_TYPES, "priority", "processing_options", "metadata", "sha256"})


@dataclass(frozen=True)
class Concatenation:
    """What `Upload-Concat` says: a partial upload, or the final one with the partial ones' ids."""

    partials: tuple[UUID, ...] | None  # None: this is a partial upload itself

    @property
    def is_partial(self) -> bool:
        return self.partials is None


def number(headers: Mapping[str, str], name: str) -> int | None:
    """Return the whole number that a header holds; None without it. Raises TusHeaderInvalidError.

    Numbers of more than 18 digits are refused with the rest: no file is that large.
    """
    value = headers.get(name.lower())
    if value is None:
        return None
    if _NUMBER.fullmatch(value) is None:
        raise TusHeaderInvalidError(f"{name} must be a whole number of bytes.")
    return int(value)


def length(headers: Mapping[str, str]) -> int | None:
    """Return the size that is announced, or None when it is deferred.

    Raises TusHeaderInvalidError unless exactly one of the two headers is there.
    """
    size, deferred = number(headers, "Upload-Length"), headers.get("upload-defer-length")
    if deferred not in {None, "1"} or (size is None) == (deferred is None):
        raise TusHeaderInvalidError("Send either Upload-Length or Upload-Defer-Length: 1.")
    return size


def checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Read `Upload-Checksum`. Raises TusHeaderInvalidError, also for an unknown algorithm."""
    value = headers.get("upload-checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    digest = _decoded(encoded, "Upload-Checksum")
    if algorithm not in CHECKSUMS:
        raise TusHeaderInvalidError(f"Upload-Checksum knows {', '.join(CHECKSUMS)}.")
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise TusHeaderInvalidError(f"Upload-Checksum holds no {algorithm}.")
    return Checksum(algorithm, digest)


def concatenation(headers: Mapping[str, str]) -> Concatenation | None:
    """Read `Upload-Concat`; None without it. Raises TusHeaderInvalidError."""
    value = headers.get("upload-concat")
    if value is None:
        return None
    if value.strip() == "partial":
        return Concatenation(None)
    if not value.strip().startswith(_FINAL):
        raise TusHeaderInvalidError("Upload-Concat must be partial, or final; with its uploads.")
    partials = tuple(_upload_id(url) for url in value.strip().removeprefix(_FINAL).split())
    if not partials or len(set(partials)) != len(partials):
        raise TusHeaderInvalidError("Upload-Concat must name each partial upload once.")
    return Concatenation(partials)


def metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Read `Upload-Metadata`: keys, each with a value in base64 or none.

    Raises TusHeaderInvalidError.
    """
    found: dict[str, str] = {}
    for pair in headers.get("upload-metadata", "").split(","):
        if not pair.strip():
            continue
        key, _, encoded = pair.strip().partition(" ")
        if _KEY.fullmatch(key) is None or key in found:
            raise TusHeaderInvalidError("Upload-Metadata must hold every key once, in ASCII.")
        try:
            found[key] = _decoded(encoded, "Upload-Metadata").decode()
        except UnicodeDecodeError as error:
            raise TusHeaderInvalidError("Upload-Metadata must hold UTF-8 in base64.") from error
    return found


def announced(
    said: Mapping[str, str],
    caller: Principal,
    *,
    mode: UploadMode,
    size_bytes: int | None,
    limits: LimitSettings,
) -> Announcement:
    """Return what the metadata of an upload announces.

    Keys that Docyard does not read are kept in the document's metadata. Raises
    FilenameInvalidError or FieldInvalidError.
    """
    kept = {key: value for key, value in said.items() if key not in _READ}
    kept |= _json_object(said, METADATA)
    largest = limits.max_metadata_bytes
    return Announcement(
        owner=caller.subject,
        mode=mode,
        filename=require_filename(_first(said, _NAMES) or _UNNAMED),
        declared_type=_declared_type(_first(said, _TYPES)),
        size_bytes=size_bytes,
        sha256=_sha256(said.get("sha256")),
        priority=_priority(said.get("priority")),
        options=require_known(_json_object(said, OPTIONS)),
        metadata=require_storable(METADATA, kept, max_bytes=largest),
    )


def _first(said: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((said[key] for key in keys if said.get(key)), None)


def _declared_type(value: str | None) -> str | None:
    if value is not None and _MEDIA_TYPE.fullmatch(value) is None:
        raise FieldInvalidError(
            "The type must be at most 255 printable ASCII characters.", field="filetype"
        )
    return value


def _priority(value: str | None) -> Priority:
    try:
        return Priority(value or Priority.NORMAL)
    except ValueError as error:
        raise FieldInvalidError(
            f"priority must be one of {', '.join(Priority)}.", field="priority"
        ) from error


def _sha256(value: str | None) -> str | None:
    if not value:
        return None
    if _SHA256.fullmatch(value) is None:
        raise FieldInvalidError("sha256 must be 64 hex digits.", field="sha256")
    return value.lower()


def _json_object(said: Mapping[str, str], key: str) -> dict[str, Any]:
    if not said.get(key):
        return {}
    try:
        value = json.loads(said[key])
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise FieldInvalidError(f"{key} must be a JSON object.", field=key)
    return value


def _upload_id(url: str) -> UUID:
    try:
        return UUID(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
    except ValueError as error:
        raise TusHeaderInvalidError("Upload-Concat names something that is no upload.") from error


def _decoded(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error as error:
        raise TusHeaderInvalidError(f"{header} must hold base64.") from error
