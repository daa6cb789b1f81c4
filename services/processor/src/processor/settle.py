"""Writes what an outcome says: rows, history and facts in one transaction, under the fence."""

from datetime import UTC, datetime, timedelta
from typing import assert_never

from docyard_common.database import Database, Transaction, lock_document
from docyard_common.delivery import headers
from docyard_common.delivery.outcome import (
    Abandoned,
    DeadLetter,
    Done,
    Failure,
    Outcome,
    Paused,
    Retry,
)
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import (
    DocumentCompleted,
    DocumentFailed,
    StageFinished,
    StageRetrying,
    StageStarted,
)
from docyard_common.events.work import StageRequested
from docyard_common.outbox import Outbox
from docyard_common.work import settling
from docyard_common.work.model import Lease
from processor.history import ladder, report
from processor.version import PIPELINE_VERSION, VERSION

_PAUSE_S = 1.0
"""How long a row stays away after a server did not answer; the breaker holds the slots longer."""


class Settlement:
    """Settles runs for the slots of one process."""

    def __init__(self, *, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def announce(self, lease: Lease) -> None:
        """Tell that a slot works on *lease*. Repeating it changes nothing: its `seq` is the same.

        Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx, tx.pipeline():
            await lock_document(tx, lease.key.document_id)
            await self._outbox.add(tx, self._started(lease))

    async def settle(
        self, lease: Lease, request: StageRequested, outcome: Outcome, *, announced: bool
    ) -> None:
        """Write what *outcome* says, guarded by the fence of *lease*; and its start, if untold.

        Raises SupersededError when another run has taken over or the document was cancelled:
        nothing is written then. Raises DependencyUnavailableError when the database is away; it
        may have taken effect, and calling again answers that with SupersededError. A crash before
        the commit leaves the row to the next run; nothing here can lose it.
        """
        async with self._database.transaction() as tx:
            async with tx.pipeline():
                await lock_document(tx, lease.key.document_id)
                if not announced and not isinstance(outcome, Abandoned | Paused):
                    await self._outbox.add(tx, self._started(lease))
                hold = await self._settle(tx, lease, request, outcome)
            if hold is not None:
                hold.confirm()

    def _started(self, lease: Lease) -> codec.Record:
        event = StageStarted(**_about(lease, tick=0), attempt=lease.attempt, at=lease.started_at)
        return self._outbox.record(topics.EVENTS, event)

    async def _settle(
        self, tx: Transaction, lease: Lease, request: StageRequested, outcome: Outcome
    ) -> settling.Hold | None:
        match outcome:
            case Done():
                return await self._done(tx, lease, request, outcome)
            case Retry():
                return await self._retry(tx, lease, outcome)
            case DeadLetter(failure):
                return await self._dead(tx, lease, failure)
            case Paused():
                return await settling.release(tx, lease, delay_s=_PAUSE_S)
            case Abandoned():
                await settling.discard(tx, lease)
                return None
            case _:
                assert_never(outcome)

    async def release(self, lease: Lease) -> None:
        """Give the row back at once: this process is about to end."""
        async with self._database.transaction() as tx:
            (await settling.release(tx, lease)).confirm()

    async def _done(
        self, tx: Transaction, lease: Lease, request: StageRequested, done: Done
    ) -> settling.Hold:
        lease.meter.pages = done.pages_total
        hold = await settling.remove(tx, lease)
        now = datetime.now(UTC)
        finished = StageFinished(
            **_about(lease),
            attempt=lease.attempt,
            at=now,
            pages_total=done.pages_total,
            duration_s=max(0.0, (now - lease.started_at).total_seconds()),
            results=done.results,
            run=report(lease, now),
        )
        await self._outbox.add(
            tx,
            self._outbox.record(topics.EVENTS, finished),
            self._next(lease, request, done, now),
        )
        return hold

    def _next(
        self, lease: Lease, request: StageRequested, done: Done, now: datetime
    ) -> codec.Record:
        """Return the record that follows a finished stage: the next one's work, or the end."""
        following = lease.key.stage.following
        known = {
            "pages_total": done.pages_total or request.pages_total,
            "content_type": done.content_type or request.content_type,
            "language": done.language or request.language,
        }
        if following is None:
            completed = DocumentCompleted(
                document_id=request.document_id,
                owner=request.owner,
                generation=request.generation,
                seq=sequence.terminal(request.generation),
                completed_at=now,
                pages_total=known["pages_total"],
                with_errors=done.with_errors or request.with_errors,
                pipeline_version=PIPELINE_VERSION,
            )
            return self._outbox.record(topics.EVENTS, completed)
        seq = sequence.position(generation=request.generation, stage=following, fence=0, tick=0)
        work = request.model_copy(
            update={
                **known,
                "stage": following,
                "seq": seq,
                "inherits_from": None,
                "with_errors": done.with_errors or request.with_errors,
            }
        )
        return self._outbox.record(topics.work(following, request.priority), work)

    async def _retry(self, tx: Transaction, lease: Lease, retry: Retry) -> settling.Hold:
        failure, delay_s = retry.failure, retry.delay_s
        hold = await settling.postpone(tx, lease, delay_s=delay_s, failure=failure, mode=retry.mode)
        changed = retry.mode is not lease.meter.mode
        now = datetime.now(UTC)
        event = StageRetrying(
            **_about(lease),
            attempt=lease.attempt,
            at=now,
            reason=failure.reason,
            message=f"{failure.message}; the next attempt {retry.mode.described}"
            if changed
            else failure.message,
            due_at=now + timedelta(seconds=delay_s),
            run=report(lease, now),
            next_mode=retry.mode if changed else None,
        )
        await self._outbox.publish(tx, topics.EVENTS, event)
        return hold

    async def _dead(self, tx: Transaction, lease: Lease, failure: Failure) -> settling.Hold:
        earlier = await settling.ladder(tx, lease)
        hold = await settling.bury(tx, lease, failure=failure)
        now = datetime.now(UTC)
        failed = DocumentFailed(
            **_about(lease),
            attempt=lease.attempt,
            reason=failure.reason,
            message=failure.message,
            failed_at=now,
            run=report(lease, now),
        )
        letter = _letter(lease, failure, now, attempts=ladder(earlier, lease, failure, now))
        await self._outbox.add(tx, self._outbox.record(topics.EVENTS, failed), letter)
        return hold


def _about(lease: Lease, *, tick: int = sequence.LAST_TICK) -> dict[str, object]:
    """Return the fields that every fact about a run has; the last tick ends it."""
    key = lease.key
    return {
        "document_id": key.document_id,
        "owner": lease.owner,
        "generation": key.generation,
        "seq": sequence.position(
            generation=key.generation, stage=key.stage, fence=lease.fence, tick=tick
        ),
        "stage": key.stage,
    }


def _letter(lease: Lease, failure: Failure, now: datetime, *, attempts: str) -> codec.Record:
    record = lease.record
    death = headers.Death(
        stage=lease.key.stage,
        reason=failure.reason,
        attempt=lease.attempt,
        origin=headers.Origin(record.topic, record.partition, record.offset, record.timestamp_ms),
        cause=headers.Cause(failure.error_class, failure.message, failure.stack),
        first_failed_at=lease.first_failed_at or now,
        failed_at=now,
        service_version=VERSION,
        attempts=attempts,
    )
    return codec.Record(
        topic=topics.dead_letters(lease.key.stage),
        key=record.key,
        value=record.value,
        headers=headers.buried(record.headers, death),
    )
