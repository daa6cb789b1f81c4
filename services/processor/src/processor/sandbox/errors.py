"""Each way a child can die, with the reason a document gets when its attempts are used up.

And that there is none, which no document gets to feel.
"""

from docyard_common.errors import DependencyUnavailableError, FailureReason, RetryableError


class NoChildError(DependencyUnavailableError):
    """The system has no child to give: it is short of something, or the fork server is away."""

    def __init__(self, detail: str) -> None:
        super().__init__("sandbox", detail)


class ChildError(RetryableError):
    """The run ended without a result; another one, in a safer mode, may get through."""


class MemoryLimitError(ChildError):
    """The document needs more memory than one document may use."""

    reason = FailureReason.MEMORY_LIMIT


class TimeLimitError(ChildError):
    """The document took longer than one document may take, in all or in processor time."""

    reason = FailureReason.TIMEOUT


class NoProgressError(ChildError):
    """No page was finished for too long."""

    reason = FailureReason.NO_PROGRESS


class ChildCrashedError(ChildError):
    """The child was killed by a signal, ended by itself, or broke the protocol."""

    reason = FailureReason.CHILD_CRASHED


class UnforeseenStageError(ChildError):
    """The code of the stage raised what nobody expected; *stack* is for the dead letter."""

    reason = FailureReason.UNFORESEEN_ERROR

    def __init__(self, message: str, *, stack: str = "") -> None:
        super().__init__(message)
        self.stack = stack
