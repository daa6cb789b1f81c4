"""Hashes that clients state beside bytes, in the notations of HTTP and of forms."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ingest.errors import ChunkHashInvalidError, ChunkHashMismatchError

_BY_HEX_LENGTH: Final = {32: "md5", 64: "sha256"}
_HEX: Final = re.compile(r"[0-9a-f]+")
_RFC_9530: Final = {"sha-256": "sha256", "sha-512": "sha512"}
_MEMBER: Final = re.compile(r"\s*([a-z0-9*._-]+)=:([A-Za-z0-9+/=]*):\s*")
_SIZES: Final = {"md5": 16, "sha256": 32, "sha512": 64}


@dataclass(frozen=True)
class Checksum:
    """What a client says of its bytes."""

    algorithm: str  # a name of hashlib
    digest: bytes

    def hasher(self) -> "hashlib._Hash":
        """Return what bytes are fed to piece by piece, for `compare`."""
        return hashlib.new(self.algorithm, usedforsecurity=False)

    def verify(self, data: bytes) -> None:
        """Refuse *data* that is something else. Raises ChunkHashMismatchError."""
        hasher = self.hasher()
        hasher.update(data)
        self.compare(hasher.digest())

    def compare(self, digest: bytes) -> None:
        """Refuse another *digest*. Raises ChunkHashMismatchError."""
        if not hmac.compare_digest(digest, self.digest):
            raise ChunkHashMismatchError(
                f"The {self.algorithm} of what was received is not the stated one; send it again."
            )


def of_form(value: str) -> Checksum:
    """Read `chunk_hash`: MD5 or SHA-256 in hex, told apart by length; a prefix may name it.

    Raises ChunkHashInvalidError.
    """
    text = value.strip().lower()
    named, _, rest = text.rpartition(":")
    algorithm = _BY_HEX_LENGTH.get(len(rest))
    if (
        algorithm is None
        or _HEX.fullmatch(rest) is None
        or named.replace("-", "")
        not in {
            "",
            algorithm,
        }
    ):
        raise ChunkHashInvalidError("chunk_hash must be an MD5 or SHA-256 in hex.")
    return Checksum(algorithm, bytes.fromhex(rest))


def of_headers(headers: Mapping[str, str]) -> list[Checksum]:
    """Read `Content-MD5` (RFC 1864), `Content-Digest` and `Repr-Digest` (RFC 9530).

    Algorithms that are not known are passed over, as the RFC wants. Raises ChunkHashInvalidError.
    """
    found = []
    if (md5 := headers.get("content-md5")) is not None:
        found.append(_decoded("md5", md5.strip(), "Content-MD5"))
    for name in ("Content-Digest", "Repr-Digest"):
        found += _digests(name, headers.get(name.lower(), ""))
    return found


def _digests(header: str, value: str) -> list[Checksum]:
    members = [member for member in value.split(",") if member.strip()]
    found = []
    for member in members:
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise ChunkHashInvalidError(f"{header} must read like sha-256=:<base64>:.")
        if (algorithm := _RFC_9530.get(match[1])) is not None:
            found.append(_decoded(algorithm, match[2], header))
    return found


def _decoded(algorithm: str, text: str, header: str) -> Checksum:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != _SIZES[algorithm]:
        raise ChunkHashInvalidError(f"{header} holds no {algorithm} in base64.")
    return Checksum(algorithm, digest)
