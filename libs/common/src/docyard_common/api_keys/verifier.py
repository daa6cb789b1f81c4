"""Believes keys beside tokens."""

from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

from docyard_common.api_keys.key import PREFIX, ApiKey, parse
from docyard_common.auth import InvalidTokenError, Principal, TokenVerifier
from docyard_common.auth.principal import closed_roles
from docyard_common.clock import Clock

_BELIEVED: Final = timedelta(hours=1)
"""A session that was opened by a key must show it again after this: it may be revoked."""


class ApiKeySource(Protocol):
    """Where keys are looked up."""

    async def find(self, key_id: UUID) -> ApiKey | None:
        """Return the key, revoked ones too. Raises DependencyUnavailableError."""
        ...


class KeyedVerifier:
    """A Verifier for both. What begins like a key is never tried as a token."""

    def __init__(self, tokens: TokenVerifier, *, keys: ApiKeySource, clock: Clock) -> None:
        self._tokens = tokens
        self._keys = keys
        self._clock = clock

    async def verify(self, token: str) -> Principal:
        """Return who the key or token speaks for.

        Raises InvalidTokenError, which does not tell an unknown key from a revoked one, or
        DependencyUnavailableError.
        """
        if not token.startswith(PREFIX):
            return await self._tokens.verify(token)
        parsed = parse(token)
        now = self._clock.now()
        key = await self._keys.find(parsed[0]) if parsed else None
        if parsed is None or key is None or not key.opens_with(parsed[1], at=now):
            raise InvalidTokenError("TOKEN_INVALID", "The API key is not valid.")
        until = now + _BELIEVED
        return Principal(
            subject=key.subject,
            roles=closed_roles(list(key.roles)),
            expires_at=min(key.expires_at, until) if key.expires_at else until,
            is_machine=True,
        )
