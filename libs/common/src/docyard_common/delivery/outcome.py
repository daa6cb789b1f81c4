"""What became of one run of a stage, as a value; effects come after, in one place."""

import traceback
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from docyard_common.delivery.ladder import Mode
from docyard_common.errors import DocyardError, FailureReason
from docyard_common.events.stages import Stage
from docyard_common.plain import plain

MAX_STACK_CHARACTERS = 16 * 1024
"""Stacks are cut at 16 KiB: enough to find the place, small enough for a Kafka header."""
MAX_MESSAGE_CHARACTERS = 1024


@dataclass(frozen=True)
class Done:
    """The stage's artifacts are stored; what follows may be announced."""

    pages_total: int | None = None
    content_type: str | None = None
    language: str | None = None
    document_type: str | None = None
    with_errors: bool = False
    as_promised: bool = True  # False where a server was away: no other document takes that over
    results: dict[str, Any] = field(default_factory=dict)
    members_key: str | None = None  # where the files are listed that become documents
    reuse: "Reuse | None" = None  # what was taken over instead of being done


@dataclass(frozen=True)
class Reuse:
    """Results of an equal document, taken over: of the run's own stage and of those after it."""

    source: UUID
    following: tuple[tuple[Stage, Done], ...]  # in their order; they are not run


@dataclass(frozen=True)
class Failure:
    """What a run died of, for people and for dead letters."""

    reason: FailureReason
    message: str
    error_class: str
    stack: str = ""


@dataclass(frozen=True)
class Retry:
    """Run again after *delay_s*; the run is counted as an attempt."""

    delay_s: float
    failure: Failure
    mode: Mode = Mode.STANDARD  # of the next attempt


@dataclass(frozen=True)
class DeadLetter:
    """Give up: a person has to look at it."""

    failure: Failure


@dataclass(frozen=True)
class Paused:
    """A server is away: back to waiting, no attempt burnt."""

    dependency: str
    message: str


@dataclass(frozen=True)
class Abandoned:
    """The run was cancelled or another run has taken over: nothing of it may be seen."""


Outcome: TypeAlias = Done | Retry | DeadLetter | Paused | Abandoned


def failure(error: BaseException, reason: FailureReason) -> Failure:
    """Describe *error* in plain text, cut to what a Kafka header may hold.

    What was raised in another process keeps the stack of that one: ours would be the same for all.
    """
    stack = _stack_told(error) or "".join(traceback.format_exception(error))
    return Failure(
        reason=reason,
        message=plain(str(error))[:MAX_MESSAGE_CHARACTERS] or type(error).__name__,
        error_class=f"{type(error).__module__}.{type(error).__qualname__}",
        stack=plain(stack)[-MAX_STACK_CHARACTERS:],
    )


def _stack_told(error: BaseException) -> str:
    return error.stack if isinstance(error, DocyardError) else ""
