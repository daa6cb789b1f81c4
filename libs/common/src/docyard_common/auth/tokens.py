"""Makes HS256 tokens: for the embedded stack, machines without an identity provider, and tests."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

from docyard_common.ids import uuid7

MIN_SECRET_BYTES: Final = 32
"""RFC 7518, 3.2: an HS256 key is no shorter than its hash."""


def mint(
    secret: str,
    *,
    subject: str,
    roles: Iterable[str] = ("user",),
    ttl_s: float = 3600.0,
    audience: str = "docyard",
    issuer: str = "docyard",
) -> str:
    """Return a signed token for *subject*, valid from now for *ttl_s* seconds.

    Raises ValueError for a secret under 32 bytes.
    """
    require_strong(secret)
    now = datetime.now(UTC)
    claims = {
        "sub": subject,
        "roles": sorted(roles),
        "aud": audience,
        "iss": issuer,
        "iat": now,
        "exp": now + timedelta(seconds=ttl_s),
        "jti": str(uuid7()),
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def require_strong(secret: str) -> None:
    """Raise ValueError for a secret that can be guessed."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"AUTH__SECRET has fewer than {MIN_SECRET_BYTES} bytes")
