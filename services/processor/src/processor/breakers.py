"""The breakers of the stages: one for each stage and server, and what is kept of them."""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.observation import BreakerObserved
from docyard_common.events.stages import Stage
from docyard_common.resilience import BreakerState, CircuitBreaker, show_state

_FAILURES: Final = 3
_OPEN_S: Final = 2.0
_OPEN_MAX_S: Final = 10.0

_KEEP: Final = """
insert into breakers (stage, dependency, state, failures, opened_at, retry_at)
values (%s, %s, %s, %s, %s, %s)
on conflict (stage, dependency) do update set state = excluded.state,
    failures = excluded.failures, opened_at = excluded.opened_at, retry_at = excluded.retry_at,
    at = now()
"""
_RESET: Final = """
update breakers set state = 'closed', failures = 0, opened_at = null, retry_at = null,
    reset_at = now(), at = now()
where stage = %s and dependency = %s
"""
_ALL: Final = "select * from breakers order by stage, dependency"


class Breakers:
    """Asked before a stage picks work, told how its runs ended.

    What changes is written to the table `breakers`, so that a process that starts while a server is
    away probes it once in each stage instead of sending all its slots there. While the database
    itself is away nothing is written: then nothing can be picked either.
    """

    def __init__(self, stages: Iterable[Stage], *, database: Database) -> None:
        self._stages = frozenset(stages)
        self._database = database
        self._breakers: dict[tuple[Stage, str], CircuitBreaker] = {}
        self._loaded = False
        self._reset_seen = datetime.min.replace(tzinfo=UTC)

    def allow(self, stage: Stage) -> bool:
        """Whether *stage* may take work; half-open breakers let one through."""
        return all(breaker.allow() for breaker in self._of(stage))

    def give_back(self, stage: Stage) -> None:
        """Say that what `allow` let through found nothing to do that fits."""
        for breaker in self._of(stage):
            breaker.give_back()

    def is_probing(self, stage: Stage) -> bool:
        """Whether only one piece of work may go at a time, to find out whether a server is back."""
        return any(breaker.state is not BreakerState.CLOSED for breaker in self._of(stage))

    async def failed(self, stage: Stage, dependency: str) -> None:
        """Learn that a server did not answer."""
        # One for each stage: the probe of an idle stage would be lost to those that have work.
        breaker = self._breaker(stage, dependency)
        before = breaker.state
        breaker.record_failure()
        if breaker.state is not before:
            await self._keep(stage, dependency, breaker)

    async def answered(self, stage: Stage) -> None:
        """Learn that all servers of *stage* answer."""
        # A list: while one is kept, another run may make the first breaker of a server.
        for (of, dependency), breaker in list(self._breakers.items()):
            if of is stage:
                before = breaker.state
                breaker.record_success()
                if breaker.state is not before:
                    await self._keep(stage, dependency, breaker)

    async def load(self, tx: Transaction) -> None:
        """Be as the table says: once, at the start; afterwards close what an operator has reset."""
        rows = await (await tx.execute(_ALL)).fetchall()
        for row in rows:
            stage = Stage(row["stage"])
            if stage not in self._stages:
                continue
            if not self._loaded:
                self._restore(stage, row)
            elif row["reset_at"] and row["reset_at"] > self._reset_seen:
                self._breaker(stage, row["dependency"]).reset()
        self._reset_seen = max([self._reset_seen, *(r["reset_at"] for r in rows if r["reset_at"])])
        self._loaded = True

    def _restore(self, stage: Stage, row: Mapping[str, Any]) -> None:
        if row["state"] != BreakerState.CLOSED:
            self._breaker(stage, row["dependency"]).restore(
                failures=row["failures"], opened_at=row["opened_at"], retry_at=row["retry_at"]
            )

    async def _keep(self, stage: Stage, dependency: str, breaker: CircuitBreaker) -> None:
        row = (breaker.state, breaker.failures, breaker.opened_at, breaker.retry_at)
        with contextlib.suppress(DependencyUnavailableError):
            async with self._database.autocommit() as tx:
                await tx.execute(_KEEP, (stage, dependency, *row))

    def _of(self, stage: Stage) -> list[CircuitBreaker]:
        return [breaker for (of, _), breaker in self._breakers.items() if of is stage]

    def _breaker(self, stage: Stage, dependency: str) -> CircuitBreaker:
        if (stage, dependency) not in self._breakers:
            self._breakers[stage, dependency] = CircuitBreaker(
                f"{stage}.{dependency}",
                failure_threshold=_FAILURES,
                open_s=_OPEN_S,
                open_max_s=_OPEN_MAX_S,
                on_change=show_state,
            )
        return self._breakers[stage, dependency]


async def reset(tx: Transaction, stage: Stage, dependency: str) -> None:
    """Close a breaker in the table; replicas that are told to load close theirs. Idempotent."""
    await tx.execute(_RESET, (stage, dependency))


async def observed(tx: Transaction) -> tuple[BreakerObserved, ...]:
    """Return all breakers that have ever opened."""
    rows = await (await tx.execute(_ALL)).fetchall()
    return tuple(
        BreakerObserved(
            stage=Stage(row["stage"]),
            dependency=row["dependency"],
            state=row["state"],
            failures=row["failures"],
            opened_at=row["opened_at"],
            retry_at=row["retry_at"],
        )
        for row in rows
    )
