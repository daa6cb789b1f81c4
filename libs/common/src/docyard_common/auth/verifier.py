"""Decides whether a token is believed, by a shared secret or by published keys."""

import asyncio
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final, Protocol

import jwt
from jwt import PyJWK, PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError

from docyard_common.auth.principal import Principal, closed_roles
from docyard_common.auth.tokens import require_strong
from docyard_common.errors import DependencyUnavailableError, DocyardError
from docyard_common.settings import AuthSettings

_REQUIRED_CLAIMS: Final = ["exp", "aud", "iss", "sub"]
_JWKS_TIMEOUT_S: Final = 5.0
MAX_TOKEN_BYTES: Final = 16 * 1024
"""Longer tokens are refused unread: headers of servers end near there anyway."""


class InvalidTokenError(DocyardError):
    """The token is not believed; *code* is TOKEN_MISSING, TOKEN_INVALID or TOKEN_EXPIRED.

    *detail* is a sentence for the caller and holds nothing of the token.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Verifier(Protocol):
    """Decides who a token, or whatever else is shown in its place, speaks for."""

    async def verify(self, token: str) -> Principal:
        """Raise InvalidTokenError, or DependencyUnavailableError when that can not be told."""
        ...


class TokenVerifier:
    """Checks tokens as `AUTH__*` says. Safe to share between tasks."""

    def __init__(self, settings: AuthSettings) -> None:
        """Raise ValueError unless exactly one of secret (32 bytes or more) and JWKS is set."""
        self._settings = settings
        self._secret = settings.secret.get_secret_value() if settings.secret else None
        if (self._secret is None) == (settings.jwks_url is None):
            raise ValueError("set exactly one of AUTH__SECRET and AUTH__JWKS_URL")
        if self._secret is not None:
            require_strong(self._secret)
        self._keys = (
            PyJWKClient(settings.jwks_url, timeout=_JWKS_TIMEOUT_S) if settings.jwks_url else None
        )

    async def verify(self, token: str) -> Principal:
        """Return who *token* speaks for.

        Raises InvalidTokenError, or DependencyUnavailableError("jwks", …) when the keys can not
        be fetched. Keys are cached for 5 minutes; an unknown key id asks again at most every 30 s.
        """
        if not token:
            raise InvalidTokenError("TOKEN_MISSING", "An access token is needed.")
        if len(token) > MAX_TOKEN_BYTES:
            raise InvalidTokenError("TOKEN_INVALID", "The access token is too long.")
        try:
            return self._principal(await self._claims(token))
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError("TOKEN_EXPIRED", "The access token has expired.") from None
        except PyJWKClientConnectionError as error:
            raise DependencyUnavailableError("jwks", "the keys can not be fetched") from error
        except jwt.PyJWTError:
            raise InvalidTokenError("TOKEN_INVALID", "The access token is not valid.") from None

    async def _claims(self, token: str) -> dict[str, Any]:
        if self._secret is not None:
            return self._decoded(token, self._secret, ["HS256"])
        # Fetching blocks, and the client holds a lock while it does.
        key = await asyncio.to_thread(self._public_key, token)
        return self._decoded(token, key, ["RS256", "ES256"])

    def _public_key(self, token: str) -> PyJWK:
        assert self._keys is not None  # noqa: S101 - the constructor demands it
        return self._keys.get_signing_key_from_jwt(token)

    def _decoded(self, token: str, key: str | PyJWK, algorithms: list[str]) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=self._settings.audience,
            issuer=self._settings.issuer,
            leeway=self._settings.leeway_s,
            options={"require": _REQUIRED_CLAIMS},
        )
        return claims

    def _principal(self, claims: dict[str, Any]) -> Principal:
        subject = claims["sub"]
        if not subject:
            raise InvalidTokenError("TOKEN_INVALID", "The access token names nobody.")
        return Principal(
            subject=subject,
            roles=closed_roles(_at(claims, self._settings.roles_claim)),
            expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
        )


def _at(claims: dict[str, Any], path: str) -> object:
    """Return the claim at a dotted path, as in `realm_access.roles`; None where there is none."""

    def step(value: Any, name: str) -> Any:
        return value.get(name) if isinstance(value, dict) else None

    return claims[path] if path in claims else reduce(step, path.split("."), claims)
