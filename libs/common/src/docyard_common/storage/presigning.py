"""URLs by which a client puts bytes straight into the store: AWS Signature Version 4 in the query.

The SDK signs the host alone; here every given header is signed, so that the store itself refuses
another type, length, checksum or a second put.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from docyard_common.settings import ObjectStoreSettings

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
MAX_EXPIRES_S: Final = 7 * 86_400
"""S3 takes no URL that lasts longer."""


class S3PutUrls:
    """Makes URLs for the endpoint that clients reach, which need not be the one that we reach."""

    def __init__(self, settings: ObjectStoreSettings) -> None:
        scheme = "https" if settings.secure else "http"
        public = urlsplit(settings.public_endpoint or f"{scheme}://{settings.endpoint}")
        self._base = f"{public.scheme}://{public.netloc}"
        self._host = public.netloc
        self._folder = f"{public.path.rstrip('/')}/{settings.bucket}/"
        self._region = settings.region
        self._access_key = settings.access_key
        self._secret_key = settings.secret_key.get_secret_value()

    def put_url(
        self,
        key: str,
        *,
        headers: Mapping[str, str],
        at: datetime,
        expires_s: int,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL that takes one PUT under *key* with exactly *headers*, from *at* on.

        *expires_s* is cut to a week. The bytes themselves are not signed: `x-amz-checksum-sha256`
        among *headers* binds them.
        """
        stamp = f"{at:%Y%m%dT%H%M%SZ}"
        scope = f"{stamp[:8]}/{self._region}/s3/aws4_request"
        signed = {name.lower(): value.strip() for name, value in headers.items()}
        signed["host"] = self._host
        names = ";".join(sorted(signed))
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self._access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(min(expires_s, MAX_EXPIRES_S)),
            "X-Amz-SignedHeaders": names,
        }
        path = quote(self._folder + key, safe="/-_.~")
        asked = "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in sorted(parameters.items()))
        lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
        request = "\n".join(["PUT", path, asked, *lines, "", names, "UNSIGNED-PAYLOAD"])
        signature = self._signature(stamp, scope, request)
        return f"{self._base}{path}?{asked}&X-Amz-Signature={signature}"

    def _signature(self, stamp: str, scope: str, request: str) -> str:
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = f"AWS4{self._secret_key}".encode()
        for piece in scope.split("/"):
            key = _hmac(key, piece)
        return _hmac(key, f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}").hex()


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
