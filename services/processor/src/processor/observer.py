"""Tells what waits, what runs and how fast, from the processor's own tables, for all replicas."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from docyard_common.database import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events import topics
from docyard_common.events.envelope import Event
from docyard_common.events.observation import ProcessingObserved, Spread, StageObserved
from docyard_common.events.stages import Priority, Stage
from processor import breakers

logger = logging.getLogger(__name__)

Publish = Callable[[str, Event], Awaitable[None]]

_INTERVAL_S: Final = 2.0
WINDOW_S: Final = 300.0
_CREW: Final = """
insert into crews (worker, stage, slots, waiting_for_memory) values (%s, %s, %s, %s)
on conflict (worker, stage) do update set slots = excluded.slots, seen_at = now(),
    waiting_for_memory = excluded.waiting_for_memory
"""
# One replica at a time: the first one to come after the interval takes the turn.
_TURN: Final = """
update observations set at = now() where at < now() - %s * interval '1 second'
"""
_GONE: Final = "delete from crews where seen_at < now() - interval '15 seconds'"
# Each state by the index of its own: dead rows stay for a month, and may be most of the table.
_WORK: Final = """
select stage, lane,
    count(*) filter (where state = 'waiting') as waiting,
    count(*) filter (where state = 'waiting' and attempt > 1) as retrying,
    count(*) filter (where state = 'running' and lease_until >= now()) as running,
    coalesce(extract(epoch from now() - min(due_at) filter (where state = 'waiting')), 0)::float8
        as oldest_s,
    coalesce(sum(extract(epoch from now() - started_at))
        filter (where state = 'running' and lease_until >= now()), 0)::float8 as busy_s
from (
    select stage, lane, state, attempt, lease_until, due_at,
        greatest(started_at, now() - %(window)s * interval '1 second') as started_at
    from (
        select * from work where state = 'waiting' union all
        select * from work where state = 'running'
    ) as living
) as rows group by stage, lane
"""
_DEAD: Final = "select stage, count(*) as dead from work where state = 'dead' group by stage"
_RUNS: Final = """
select stage,
    count(*) filter (where outcome = 'done') as done,
    count(*) filter (where outcome = 'dead') as failed,
    count(*) filter (where outcome = 'retry') as retried,
    percentile_cont(array[0.5, 0.95]) within group (order by ran_s) as ran,
    percentile_cont(array[0.5, 0.95]) within group (order by waited_s) as waited,
    coalesce(sum(least(ran_s, %(window)s)), 0)::float8 as busy_s
from (
    select stage, outcome, waited_s, extract(epoch from ended_at - started_at)::float8 as ran_s
    from stage_runs
    where ended_at > now() - %(window)s * interval '1 second' and outcome <> 'reused'
) as runs group by stage
"""
# What fits into one replica waits for no memory.
_CREWS: Final = """
select stage, sum(slots)::int as slots, min(waiting_for_memory) as waiting_for_memory
from crews group by stage
"""
_STOPPED: Final = "select stage, reason from stopped_stages"


class Observer:
    """Runs in every replica; what it tells may be lost and decides nothing."""

    def __init__(
        self,
        *,
        database: Database,
        publish: Publish,
        worker: str,
        slots: Callable[[], Mapping[Stage, int]],
        waiting_for_memory: Callable[[Stage], int] = lambda _: 0,
    ) -> None:
        self._database = database
        self._publish = publish
        self._worker = worker
        self._slots = slots
        self._waiting_for_memory = waiting_for_memory

    async def run(self) -> None:
        """Observe every two seconds until cancelled."""
        while True:
            try:
                observed = await self.observe(every_s=_INTERVAL_S - 0.5)
                if observed is not None:
                    await self._publish(topics.OBSERVATIONS, observed)
            except DependencyUnavailableError as error:
                logger.warning("observer.waiting", extra={"error": str(error)})
            await asyncio.sleep(_INTERVAL_S)

    async def observe(self, *, every_s: float = 0.0) -> ProcessingObserved | None:
        """Say that this replica works, and return what is so; None when another has just told it.

        Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx:
            for stage, slots in self._slots().items():
                held = self._waiting_for_memory(stage)
                await tx.execute(_CREW, (self._worker, stage, slots, held))
            if (await tx.execute(_TURN, (every_s,))).rowcount == 0:
                return None
            await tx.execute(_GONE)
            return await _observed(tx)


async def _observed(tx: Transaction) -> ProcessingObserved:
    window = {"window": WINDOW_S}
    work = await _rows(tx, _WORK, window)
    dead = {row["stage"]: row["dead"] for row in await _rows(tx, _DEAD)}
    runs = {row["stage"]: row for row in await _rows(tx, _RUNS, window)}
    crews = {row["stage"]: row for row in await _rows(tx, _CREWS)}
    stopped = {row["stage"]: row["reason"] for row in await _rows(tx, _STOPPED)}
    return ProcessingObserved(
        observed_at=datetime.now(UTC),
        window_s=WINDOW_S,
        breakers=await breakers.observed(tx),
        stages=tuple(
            _stage(
                stage,
                [row for row in work if row["stage"] == stage],
                runs.get(stage, {}),
                crews.get(stage, {}),
                dead=dead.get(stage, 0),
                stopped=stopped.get(stage),
            )
            for stage in Stage
        ),
    )


def _stage(
    stage: Stage,
    lanes: list[dict[str, Any]],
    runs: dict[str, Any],
    crews: dict[str, Any],
    *,
    dead: int,
    stopped: str | None,
) -> StageObserved:
    slots = crews.get("slots", 0)
    waiting = {row["lane"]: row["waiting"] for row in lanes}
    busy_s = runs.get("busy_s", 0.0) + sum(row["busy_s"] for row in lanes)
    return StageObserved(
        stage=stage,
        waiting={lane: waiting.get(lane, 0) for lane in Priority},
        retrying=sum(row["retrying"] for row in lanes),
        running=sum(row["running"] for row in lanes),
        dead=dead,
        oldest_s=max([0.0, *(row["oldest_s"] for row in lanes)]),
        slots=slots,
        waiting_for_memory=crews.get("waiting_for_memory", 0),
        stopped=stopped,
        done=runs.get("done", 0),
        failed=runs.get("failed", 0),
        retried=runs.get("retried", 0),
        run_s=_spread(runs.get("ran")),
        wait_s=_spread(runs.get("waited")),
        utilisation=min(1.0, round(busy_s / (slots * WINDOW_S), 3)) if slots else 0.0,
    )


def _spread(percentiles: list[float] | None) -> Spread:
    if percentiles is None:
        return Spread()
    p50, p95 = (None if value is None else round(value, 3) for value in percentiles)
    return Spread(p50=p50, p95=p95)


async def _rows(
    tx: Transaction, statement: str, parameters: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    return await (await tx.execute(statement, parameters)).fetchall()
