"""`client.dlq` without `await`."""

from collections.abc import (
    Iterator,
)

from docyard.models import (
    DeadLetter,
    DeadLetterGroup,
    Listing,
    Replay,
)
from docyard.resources.dead_letters import DeadLetterFilter, DeadLetters, ReplayOrder
from docyard.synchronous.running import Runner


class SyncDeadLetters:
    """`client.dlq`, as `docyard.resources.dead_letters.DeadLetters`."""

    def __init__(self, calls: DeadLetters, runner: Runner) -> None:
        self._calls = calls
        self._runner = runner
        self._run = runner.run

    def groups(self, *, limit: int = 50, cursor: str | None = None) -> Listing[DeadLetterGroup]:
        return self._run(self._calls.groups, limit=limit, cursor=cursor)

    def list(
        self,
        only: DeadLetterFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[DeadLetter]:
        return self._run(self._calls.list, only, limit=limit, cursor=cursor)

    def get(self, entry_id: str) -> DeadLetter:
        return self._run(self._calls.get, entry_id)

    def replay(self, order: ReplayOrder) -> Replay:
        return self._run(self._calls.replay, order)

    def replays(self, *, limit: int = 50, cursor: str | None = None) -> Listing[Replay]:
        return self._run(self._calls.replays, limit=limit, cursor=cursor)

    def get_replay(self, replay_id: str) -> Replay:
        return self._run(self._calls.get_replay, replay_id)

    def cancel_replay(self, replay_id: str) -> Replay:
        return self._run(self._calls.cancel_replay, replay_id)

    def discard(self, entry_id: str, *, reason: str) -> DeadLetter:
        return self._run(self._calls.discard, entry_id, reason=reason)

    def restore(self, entry_id: str) -> DeadLetter:
        return self._run(self._calls.restore, entry_id)

    def export(self, only: DeadLetterFilter | None = None) -> Iterator[str]:
        return self._runner.iterate(self._calls.export(only))
