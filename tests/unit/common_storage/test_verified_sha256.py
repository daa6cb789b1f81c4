"""Which checksum of a store is the SHA-256 of the object itself."""

import base64
import hashlib

import pytest

from docyard_common.storage.responses import verified_sha256

DIGEST = hashlib.sha256(b"an object").digest()
TOLD = base64.b64encode(DIGEST).decode()


@pytest.mark.parametrize("kind", [{}, {"x-amz-checksum-type": "FULL_OBJECT"}])
def test_the_hash_of_a_whole_object_counts(kind: dict[str, str]) -> None:
    assert verified_sha256({"x-amz-checksum-sha256": TOLD, **kind}) == DIGEST.hex()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-checksum-sha256": ""},
        {"x-amz-checksum-sha256": f"{TOLD}-3"},
        {"x-amz-checksum-sha256": TOLD, "x-amz-checksum-type": "COMPOSITE"},
        {"x-amz-checksum-sha256": base64.b64encode(DIGEST[:20]).decode()},
        {"x-amz-checksum-crc32": "AAAAAA=="},
    ],
)
def test_anything_else_is_no_hash_of_the_object(headers: dict[str, str]) -> None:
    assert verified_sha256(headers) is None
