"""FastAPI dependencies that say who is calling and what they may."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from docyard_common.auth import InvalidTokenError, Principal, TokenVerifier
from docyard_common.http import rate_limiting
from docyard_common.http.problems import Problem

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token.")


def authenticate_with(app: FastAPI, verifier: TokenVerifier) -> None:
    """Let the routes of *app* ask *verifier* who is calling."""
    app.state.token_verifier = verifier


async def principal(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Return the caller, by the token in `Authorization: Bearer`, and count the request.

    Raises InvalidTokenError (answered as 401), Problem 429 where the caller comes too often, or
    DependencyUnavailableError (503).
    """
    if credentials is None:
        raise InvalidTokenError("TOKEN_MISSING", "An access token is needed.")
    verifier: TokenVerifier = request.app.state.token_verifier
    caller = await verifier.verify(credentials.credentials)
    await rate_limiting.admit(request, caller)
    return caller


def require_role(role: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Return a dependency like `principal` that answers 403 ROLE_REQUIRED without *role*."""

    async def with_role(caller: Annotated[Principal, Depends(principal)]) -> Principal:
        if not caller.has(role):
            raise Problem(403, "ROLE_REQUIRED", f"This needs the role {role}.", role=role)
        return caller

    return with_role
