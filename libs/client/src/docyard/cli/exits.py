"""Exit codes, and the sentence that goes with an error: what is wrong and what to do next."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from docyard.errors import (
    ApiError,
    BusyError,
    ConflictError,
    DocyardError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    WatchTimeoutError,
)


class Exit(IntEnum):
    """What scripts may rely on; a code never changes its meaning."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    REFUSED = 6
    FAILED = 7
    PARTLY = 8
    TIMED_OUT = 9
    INTERRUPTED = 130


@dataclass(frozen=True)
class _Verdict:
    exit: Exit
    advice: str


_ADVICE = {
    "DOCUMENT_NOT_FOUND": "`docyard ls` shows what is yours.",
    "ENTRY_NOT_FOUND": "`docyard dlq ls` shows what there is.",
    "NOT_READY": "`docyard watch` follows it until it is.",
    "NOT_AVAILABLE": "`docyard show` says why.",
    "FOLDER_JOB_NOT_FOUND": "`docyard sync ls` shows your folder jobs.",
    "FOLDER_NOT_ALLOWED": "An operator of Docyard sets SYNC__ROOTS.",
    "UPLOAD_ID_TAKEN": "Choose another --id, or `docyard sync rm` that job.",
    "STORAGE_QUOTA_EXCEEDED": "`docyard rm` makes room; an operator can raise the quota.",
    "DOCUMENT_QUOTA_EXCEEDED": "`docyard rm` makes room; an operator can raise the quota.",
    "ROLE_REQUIRED": "That needs a token with another role.",
}
"""By the code of the problem, where it says more than the kind of the error."""

_VERDICTS: dict[type[DocyardError], _Verdict] = {
    NotFoundError: _Verdict(Exit.NOT_FOUND, ""),
    NotAllowedError: _Verdict(Exit.NOT_ALLOWED, "Give a valid --token or DOCYARD_TOKEN."),
    ConflictError: _Verdict(Exit.CONFLICT, "Look at its state first, then decide."),
    RefusedError: _Verdict(Exit.REFUSED, ""),
    BusyError: _Verdict(Exit.ERROR, "Docyard is busy: try again later."),
    UnreachableError: _Verdict(Exit.ERROR, "`docyard status` says whether it runs here."),
    WatchTimeoutError: _Verdict(Exit.TIMED_OUT, "They go on: `docyard watch` follows them."),
}


class CommandError(DocyardError):
    """A command that can not go on for a reason of its own."""

    code = "COMMAND_FAILED"

    def __init__(self, message: str, *, exit_code: Exit, advice: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.advice = advice


def exit_of(error: Exception) -> Exit:
    """Return the exit code that *error* stands for."""
    if isinstance(error, CommandError):
        return error.exit_code
    return _verdict(error).exit


def advice_of(error: Exception) -> str:
    """Return what to do next; empty where the error itself says it."""
    if isinstance(error, CommandError):
        return error.advice
    code = error.code if isinstance(error, ApiError) else ""
    return _ADVICE.get(code) or _verdict(error).advice


def error_json(error: Exception) -> dict[str, Any]:
    """Return *error* for programs."""
    if not isinstance(error, ApiError):
        return {"code": getattr(error, "code", type(error).__name__), "detail": str(error)}
    problem = error.problem
    return {
        "code": problem.code,
        "status": problem.status,
        "detail": str(error),
        "retryable": problem.retryable,
        "trace_id": problem.trace_id,
        "errors": [dict(field) for field in problem.errors],
    }


def field_lines(error: Exception) -> list[str]:
    """Return one line per field that Docyard found wrong."""
    fields = error.problem.errors if isinstance(error, ApiError) else ()
    return [
        f"  {field.get('field') or field.get('loc') or '-'}: "
        f"{field.get('detail') or field.get('message') or field.get('msg') or field}"
        for field in fields
    ]


def _verdict(error: Exception) -> _Verdict:
    found = (verdict for kind, verdict in _VERDICTS.items() if isinstance(error, kind))
    return next(found, _Verdict(Exit.ERROR, ""))
