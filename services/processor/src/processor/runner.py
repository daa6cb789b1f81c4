"""One run of one stage: from a lease to its settled outcome."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Final

from opentelemetry.trace import SpanKind

from docyard_common.delivery.ladder import mode_after
from docyard_common.delivery.outcome import (
    Abandoned,
    DeadLetter,
    Done,
    Outcome,
    Paused,
    Retry,
    failure,
)
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.errors import (
    DependencyUnavailableError,
    FailureReason,
    RetryableError,
    SupersededError,
)
from docyard_common.events import codec
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageRequested
from docyard_common.observability import logging as logs
from docyard_common.observability import metrics, tracing
from docyard_common.work.model import Lease
from processor.announcement import Announcement
from processor.settle import Settlement

logger = logging.getLogger(__name__)

Work = Callable[[Lease, StageRequested], Awaitable[Done]]
"""Does the work of one stage; raises what `RetryPolicy.judge` understands."""

_NAMES: Final[Mapping[type, str]] = {
    Done: "done",
    Retry: "retry",
    DeadLetter: "dead_letter",
    Paused: "paused",
    Abandoned: "cancelled",
}
_LAST_PAUSE_S: Final = 5.0


class CrashLoopError(RetryableError):
    """The document was picked again and again, and no run of it ever came to an end."""

    reason = FailureReason.CRASH_LOOP


class RunOverdueError(RetryableError):
    """A run has not ended long after its child had to: something in this process hangs.

    Its reason blames no document: none of the measures of the retry ladder would help.
    """


class Runner:
    """Runs leases of the stages of this process.

    A run that takes longer than *limit_s* is given up and tried again: its lease is renewed for as
    long as this process lives, so nobody else would take it over. It has to be beyond whatever a
    child, the servers and the rests of bulky work may take: `app.limits` makes it five times the
    limit of a child, what the servers may take, and an hour.
    """

    def __init__(
        self,
        *,
        work: Mapping[Stage, Work],
        settlement: Settlement,
        retry: RetryPolicy,
        max_deliveries: int,
        limit_s: float,
    ) -> None:
        self._work = work
        self._settlement = settlement
        self._retry = retry
        self._max_deliveries = max_deliveries
        self._limit_s = limit_s

    async def run(self, lease: Lease) -> Outcome:
        """Work on *lease* and settle what became of it; return it for guard and breaker.

        Cancelling the task abandons the run: nothing of it is seen, and a row that was cancelled
        leaves. A kill -9 at any point leaves the row to whoever picks it after the lease.
        """
        key = lease.key
        fields = {"document_id": str(key.document_id), "stage": key.stage.value}
        with (
            logs.bind(**fields, attempt=lease.attempt, fence=lease.fence),
            tracing.span(
                f"process {lease.record.topic}",
                traceparent=codec.header(lease.record.headers, tracing.TRACEPARENT),
                kind=SpanKind.CONSUMER,
                attributes=_attributes(lease),
            ),
        ):
            return await self._run(lease)

    async def _run(self, lease: Lease) -> Outcome:
        stage = lease.key.stage
        metrics.STAGE_WAIT.labels(stage, lease.lane).observe(lease.waited_s)
        with metrics.STAGE_INFLIGHT.labels(stage).track_inprogress():
            announcement = Announcement(self._settlement, lease)
            with metrics.STAGE_DURATION.labels(stage).time():
                request, outcome = await self._outcome(lease)
            announced = await announcement.close()
            settled = await self._settled(lease, request, outcome, announced=announced)
        _tell(lease, request, settled)
        return settled

    async def _outcome(self, lease: Lease) -> tuple[StageRequested, Outcome]:
        request = codec.decode(lease.record.value, lease.record.headers)
        assert isinstance(request, StageRequested)  # noqa: S101 - intake stores nothing else
        if lease.deliveries > self._max_deliveries:
            error = CrashLoopError(_CRASH_LOOP.format(count=lease.deliveries - 1))
            return request, DeadLetter(failure(error, error.reason))
        try:
            return request, await self._worked(lease, request)
        except asyncio.CancelledError:
            return request, Abandoned()
        except Exception as error:  # noqa: BLE001 - judged, not hidden
            dice = random.random()  # noqa: S311 - jitter only
            outcome = self._retry.judge(error, attempt=lease.attempt, dice=dice)
            return request, _stepped_down(outcome, lease)

    async def _worked(self, lease: Lease, request: StageRequested) -> Done:
        """Do the work. Raises what it raises, or RunOverdueError."""
        limit = asyncio.timeout(self._limit_s)
        try:
            async with limit:
                return await self._work[lease.key.stage](lease, request)
        except TimeoutError as error:
            # What is done may time out for reasons of its own.
            if not limit.expired():
                raise
            raise RunOverdueError(f"The run has not ended after {self._limit_s:.0f} s.") from error

    async def _settled(
        self, lease: Lease, request: StageRequested, outcome: Outcome, *, announced: bool
    ) -> Outcome:
        """Settle for as long as it takes: the work is done, only the database is missing."""
        pause = 0.1
        while True:
            try:
                await _undisturbed(
                    self._settlement.settle(lease, request, outcome, announced=announced)
                )
            except (SupersededError, asyncio.CancelledError):
                outcome = Abandoned()
            except DependencyUnavailableError as error:
                logger.warning("settle.waiting", extra={"error": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE_S)
            else:
                return outcome


def _stepped_down(outcome: Outcome, lease: Lease) -> Outcome:
    """Let the next attempt change something where this one has cost too much."""
    if isinstance(outcome, Retry):
        mode = lease.meter.mode
        return replace(
            outcome, mode=mode_after(mode, outcome.failure.reason, stage=lease.key.stage)
        )
    return outcome


async def _undisturbed(settling: Coroutine[None, None, None]) -> None:
    """Let a commit that is under way end before a cancel of this task is heard."""
    task = asyncio.ensure_future(settling)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(SupersededError, DependencyUnavailableError):
            await task
        raise


_CRASH_LOOP: Final = "{count} runs of this document ended with the death of their worker"


def _tell(lease: Lease, request: StageRequested, outcome: Outcome) -> None:
    stage = lease.key.stage
    name = _NAMES[type(outcome)]
    metrics.STAGE_OUTCOMES.labels(stage, name).inc()
    match outcome:
        case Done(pages_total) if pages_total:
            metrics.STAGE_PAGES.labels(stage).inc(pages_total)
        case Retry(_, why, _):
            metrics.STAGE_RETRIES.labels(stage, why.reason).inc()
            logger.warning("stage.retry", extra={"reason": why.reason, "error": why.error_class})
        case DeadLetter(why):
            metrics.DLQ_MESSAGES.labels(stage, why.reason).inc()
            logger.error(
                "stage.dead_letter", extra={"reason": why.reason, "error": why.error_class}
            )
        case _:
            pass  # the counters above say it all
    if isinstance(outcome, DeadLetter) or (isinstance(outcome, Done) and not stage.following):
        age = (lease.started_at - request.accepted_at).total_seconds()
        metrics.DOCUMENT_DURATION.labels(name).observe(max(0.0, age))
    logger.info("stage.ended", extra={"outcome": name})


def _attributes(lease: Lease) -> dict[str, str | int]:
    """Attributes of the OpenTelemetry messaging conventions (1.44) for a processed record."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": lease.record.topic,
        "messaging.destination.partition.id": str(lease.record.partition),
        "messaging.kafka.offset": lease.record.offset,
    }
