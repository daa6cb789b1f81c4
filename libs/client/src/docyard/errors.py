"""What can go wrong between a program and Docyard; every error says what may be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class DocyardError(Exception):
    """The root of what this package raises on purpose."""


class ConfigurationError(DocyardError):
    """Nothing says where Docyard is, or what says so can not be read."""


class UnreachableError(DocyardError):
    """No answer arrived, after every retry; whether the request took effect is unknown."""


class ProtocolError(DocyardError):
    """Something answered, but not Docyard: a proxy's page, a cut body, a foreign server."""


class WatchTimeoutError(DocyardError):
    """The documents did not all end in the time given; *pending* are still on their way."""

    def __init__(self, pending: frozenset[str]) -> None:
        super().__init__(f"{len(pending)} of the watched documents have not ended in time")
        self.pending = pending


@dataclass(frozen=True)
class Problem:
    """A problem document (RFC 9457) as Docyard writes them."""

    status: int
    code: str  # stable, SCREAMING_SNAKE: the thing to branch on
    detail: str  # one sentence for people
    title: str = ""
    retryable: bool = False
    trace_id: str | None = None
    retry_after_s: float | None = None
    errors: tuple[Mapping[str, Any], ...] = ()  # one per field that was wrong
    extra: Mapping[str, Any] = field(default_factory=dict)


class ApiError(DocyardError):
    """Docyard answered with a refusal; *problem* is its answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title or problem.code)
        self.problem = problem

    @property
    def status(self) -> int:
        return self.problem.status

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later; the client has then already retried."""
        return self.problem.retryable

    @property
    def trace_id(self) -> str | None:
        """What to quote to an operator."""
        return self.problem.trace_id


class NotAllowedError(ApiError):
    """The token is missing, invalid or expired, or lacks a role (401, 403)."""


class NotFoundError(ApiError):
    """There is no such thing, or it belongs to somebody else (404, 410)."""


class ConflictError(ApiError):
    """The thing is in a state that forbids it, or somebody else was faster (409, 412)."""


class RefusedError(ApiError):
    """The request itself is wrong and will be refused again (the other 4xx)."""


class BusyError(ApiError):
    """Docyard asks to come back later (429, 503); the client has already waited and retried."""


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: NotAllowedError,
    403: NotAllowedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    412: ConflictError,
    429: BusyError,
    503: BusyError,
    507: RefusedError,
}


def error_of(problem: Problem) -> ApiError:
    """Return the error that *problem* is; the caller raises it."""
    refused = RefusedError if 400 <= problem.status < 500 else ApiError  # noqa: PLR2004 - HTTP
    return _BY_STATUS.get(problem.status, refused)(problem)
