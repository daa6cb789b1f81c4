"""A key as text and as a value; at rest there is only its hash."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

PREFIX: Final = "dyk_"
"""By it scanners of repositories and logs find keys that leaked."""

_TEXT: Final = re.compile(r"dyk_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class ApiKey:
    """What is kept of a key."""

    key_id: UUID
    name: str
    subject: str  # whose documents it reads and writes
    roles: tuple[str, ...]
    secret_sha256: str  # a random secret of 256 bits needs no slow hash
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None = None

    def opens_with(self, secret: str, *, at: datetime) -> bool:
        """Whether *secret* is the key's, in constant time, and the key is good at that moment."""
        same = hmac.compare_digest(self.secret_sha256, digest(secret))
        is_over = self.expires_at is not None and self.expires_at <= at
        return same and self.revoked_at is None and not is_over


@dataclass(frozen=True)
class NewApiKey:
    """The text of a key that was just made: nobody can read it again."""

    key_id: UUID
    text: str
    secret_sha256: str


def make(key_id: UUID) -> NewApiKey:
    """Return a key with a fresh secret."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    return NewApiKey(key_id, f"{PREFIX}{key_id.hex}_{secret}", digest(secret))


def parse(text: str) -> tuple[UUID, str] | None:
    """Return the id and the secret that *text* holds; None where it is no key."""
    match = _TEXT.fullmatch(text)
    return None if match is None else (UUID(match[1]), match[2])


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
