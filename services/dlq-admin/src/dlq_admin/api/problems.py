"""Which refusal becomes which problem document."""

from fastapi import FastAPI, Request, Response

from dlq_admin.domain.cursors import InvalidCursorError
from dlq_admin.errors import EditRefusedError, KeyReusedError, NotFoundError, StateForbidsError
from docyard_common.http import Problem


def install(app: FastAPI) -> None:
    """Make every refusal of this service a problem document."""
    for error in (
        NotFoundError,
        StateForbidsError,
        KeyReusedError,
        EditRefusedError,
        InvalidCursorError,
    ):
        app.add_exception_handler(error, _answer)


async def _answer(_: Request, error: Exception) -> Response:
    return _problem(error).response()


def _problem(error: Exception) -> Problem:
    detail = str(error)
    match error:
        case NotFoundError():
            return Problem(404, f"{error.what.upper()}_NOT_FOUND", detail)
        case StateForbidsError():
            return Problem(409, "STATE_FORBIDS", detail, state=error.state)
        case KeyReusedError():
            return Problem(422, "IDEMPOTENCY_KEY_REUSED", detail, replay_id=str(error.replay_id))
        case EditRefusedError():
            field = {
                "field": f"value.{error.field}".removesuffix("."),
                "location": "body",
                "code": "edit_refused",
                "message": detail,
            }
            return Problem(422, "EDIT_REFUSED", detail, errors=[field])
        case _:
            return Problem(422, "INVALID_CURSOR", "The cursor is not one of this list's.")
