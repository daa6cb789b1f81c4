"""How often and how long to wait before the same request is sent again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with full jitter: clients that failed together do not return together."""

    attempts: int = 5  # the first one included
    first_delay_s: float = 0.5
    max_delay_s: float = 20.0
    longest_wait_s: float = 90.0  # a longer `Retry-After` is handed to the caller as an error

    def delay_s(self, attempt: int, *, retry_after_s: float | None = None) -> float | None:
        """Return the seconds to wait after *attempt* (from 1) failed; None to give up."""
        if attempt >= self.attempts:
            return None
        if retry_after_s is not None and retry_after_s > self.longest_wait_s:
            return None
        # The exponent is capped so that a huge attempt cannot overflow a float.
        bound = min(self.first_delay_s * 2.0 ** min(attempt - 1, 32), self.max_delay_s)
        return (retry_after_s or 0.0) + random.uniform(0, bound)  # noqa: S311 - jitter, no secret
