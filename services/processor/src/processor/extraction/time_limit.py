"""A bound on code that may loop for ever, where giving up on it is better than dying of it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never


class TimeLimitExceededError(Exception):
    """The code inside `time_limit` took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitExceededError inside the block after *seconds*; Python code only.

    Main thread only, not nested. Code in C is not interrupted: the slot's own timeout ends that.
    """
    previous = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _give_up(_signal: int, _frame: FrameType | None) -> Never:
    raise TimeLimitExceededError
