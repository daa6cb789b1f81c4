"""FastAPI dependencies that say who is calling and what they may."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from docyard_common.auth import InvalidTokenError, Principal, Verifier
from docyard_common.http import rate_limiting
from docyard_common.http.problems import Problem

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token.")

_api_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A machine's key.")


def authenticate_with(app: FastAPI, verifier: Verifier) -> None:
    """Let the routes of *app* ask *verifier* who is calling."""
    app.state.token_verifier = verifier


async def principal(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    api_key: Annotated[str | None, Depends(_api_key)],
) -> Principal:
    """Return the caller, by `Authorization: Bearer` or else `X-API-Key`, and count the request.

    Raises InvalidTokenError (answered as 401), Problem 429 where the caller comes too often, or
    DependencyUnavailableError (503).
    """
    shown = credentials.credentials if credentials else api_key
    if shown is None:
        raise InvalidTokenError("TOKEN_MISSING", "An access token is needed.")
    verifier: Verifier = request.app.state.token_verifier
    caller = await verifier.verify(shown)
    await rate_limiting.admit(request, caller)
    return caller


def require_role(role: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency like `principal` that answers 403 ROLE_REQUIRED without *role*."""

    async def with_role(caller: Annotated[Principal, Depends(principal)]) -> Principal:
        if not caller.has(role):
            raise Problem(403, "ROLE_REQUIRED", f"This needs the role {role}.", role=role)
        return caller

    return with_role
