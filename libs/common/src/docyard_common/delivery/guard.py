"""Stops a stage whose failures are not the documents' own: a bad deploy must not drain a topic."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class GuardPolicy:
    """20 % of the last 200 runs, or 50 in a row."""

    window: int = 200
    share: float = 0.2
    in_a_row: int = 50


class Guard:
    """Counts the ends of one stage's documents in one replica; not shared between tasks."""

    def __init__(self, policy: GuardPolicy) -> None:
        self._policy = policy
        self._ends: deque[bool] = deque(maxlen=policy.window)
        self._row = 0

    def record(self, *, system_failure: bool) -> None:
        """Note one end: *system_failure* is a dead letter that does not blame its document."""
        self._ends.append(system_failure)
        self._row = self._row + 1 if system_failure else 0

    def verdict(self) -> str | None:
        """Return why the stage must stop, or None while it may go on."""
        policy = self._policy
        if self._row >= policy.in_a_row:
            return f"{self._row} documents in a row failed for reasons that are not their own"
        failed = sum(self._ends)
        if len(self._ends) == policy.window and failed > policy.share * policy.window:
            return f"{failed} of the last {policy.window} failed for reasons that are not their own"
        return None

    def reset(self) -> None:
        """Forget what was counted: a person has let the stage go on."""
        self._ends.clear()
        self._row = 0
