"""What a client needs to put a file straight into the store."""

import base64
from dataclasses import dataclass
from typing import Final

from docyard_common.clock import Clock
from docyard_common.storage import PutUrls
from ingest.upload import Upload

_ANY: Final = "application/octet-stream"


@dataclass(frozen=True)
class SignedPut:
    """One PUT: the store refuses other headers than these."""

    url: str
    headers: dict[str, str]


class Presigner:
    """Signs type, length and, where it was stated, SHA-256 into every URL."""

    def __init__(self, *, urls: PutUrls, clock: Clock) -> None:
        self._urls = urls
        self._clock = clock

    def whole(self, upload: Upload) -> SignedPut:
        """Return the put of a file in one piece.

        It succeeds once: what was judged can not be replaced while the URL lives on.
        """
        said = upload.announced
        headers = {
            "Content-Type": said.declared_type or _ANY,
            "Content-Length": str(said.size_bytes),
            "If-None-Match": "*",
        }
        if said.sha256 is not None:
            digest = base64.b64encode(bytes.fromhex(said.sha256))
            headers["x-amz-checksum-sha256"] = digest.decode()
        return self._signed(upload, headers, {})

    def part(self, upload: Upload, number: int) -> SignedPut:
        """Return the put of one part; it may be repeated until the upload ends."""
        headers = {"Content-Length": str(upload.bytes_of_part(number))}
        query = {"partNumber": str(number), "uploadId": upload.multipart_id or ""}
        return self._signed(upload, headers, query)

    def _signed(self, upload: Upload, headers: dict[str, str], query: dict[str, str]) -> SignedPut:
        now = self._clock.now()
        left_s = max(1, int((upload.expires_at - now).total_seconds()))
        url = self._urls.put_url(
            upload.object_key, headers=headers, at=now, expires_s=left_s, query=query
        )
        return SignedPut(url, headers)
