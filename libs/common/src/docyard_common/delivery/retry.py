"""When a failed run is tried again, and when it is given up."""

from dataclasses import dataclass

from docyard_common.delivery.outcome import DeadLetter, Outcome, Paused, Retry, failure
from docyard_common.errors import (
    DependencyUnavailableError,
    FailureReason,
    PermanentError,
    RetryableError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential delays with jitter: 5 s, 30 s, 3 min … up to an hour, ±20 %."""

    max_attempts: int = 3
    first_delay_s: float = 5.0
    factor: float = 6.0
    max_delay_s: float = 3600.0
    jitter: float = 0.2

    def delay_s(self, attempt: int, dice: float) -> float:
        """Return the wait after *attempt* (from 1); *dice* in [0, 1) spreads it by the jitter."""
        # The exponent is capped so that a huge attempt cannot overflow a float.
        delay = min(self.first_delay_s * self.factor ** min(attempt - 1, 64), self.max_delay_s)
        return delay * (1 + self.jitter * (2 * dice - 1))

    def judge(self, error: Exception, *, attempt: int, dice: float) -> Outcome:
        """Decide what follows from *error* in run number *attempt* of a stage.

        A server that is away burns no attempt; a permanent error is given up at once; all else is
        tried again until the attempts are used up, then given up under its own reason.
        """
        if isinstance(error, DependencyUnavailableError):
            return Paused(dependency=error.dependency, message=str(error))
        if isinstance(error, PermanentError):
            return DeadLetter(failure(error, error.reason))
        reason = error.reason if isinstance(error, RetryableError) else _UNFORESEEN
        if attempt >= self.max_attempts:
            return DeadLetter(failure(error, reason))
        return Retry(self.delay_s(attempt, dice), failure(error, reason))


_UNFORESEEN = FailureReason.UNFORESEEN_ERROR
