"""Which error becomes which problem document."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from docyard_common.auth import InvalidTokenError
from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from docyard_common.http import problems
from docyard_common.http.problems import Problem


def install(app: FastAPI) -> None:
    """Make every foreseen error of *app* a problem document; the edge takes the others."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _fields)
    app.add_exception_handler(DependencyUnavailableError, _outage)
    app.add_exception_handler(InvalidTokenError, _token)
    app.add_exception_handler(ObjectMissingError, _missing)


def unauthorized(error: InvalidTokenError) -> Problem:
    """Return the 401 of RFC 6750 for a token that is not believed."""
    named = "" if error.code == "TOKEN_MISSING" else ', error="invalid_token"'
    challenge = f'Bearer realm="docyard"{named}'
    return Problem(401, error.code, error.detail, headers={"WWW-Authenticate": challenge})


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - Starlette types handlers by Exception
    return error.response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    return problems.of_status(error.status_code, str(error.detail), error.headers).response()


async def _fields(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    return problems.of_fields(error.errors()).response()


async def _outage(_: Request, error: Exception) -> Response:
    assert isinstance(error, DependencyUnavailableError)  # noqa: S101 - as above
    return problems.of_outage(error.dependency).response()


async def _token(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidTokenError)  # noqa: S101 - as above
    return unauthorized(error).response()


async def _missing(_: Request, __: Exception) -> Response:
    return Problem(404, "ARTIFACT_NOT_FOUND", "There is nothing stored of that yet.").response()
