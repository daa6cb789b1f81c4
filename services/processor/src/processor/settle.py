"""Writes what an outcome says: rows, history and facts in one transaction, under the fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

from docyard_common.database import Database, Transaction, lock_document, lock_documents
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
from docyard_common.errors import SupersededError
from docyard_common.events import codec, sequence, topics
from docyard_common.events.documents import (
    DocumentCompleted,
    DocumentFailed,
    StageFinished,
    StageRetrying,
    StageStarted,
)
from docyard_common.events.stages import Stage
from docyard_common.events.work import ChildrenFound, StageRequested
from docyard_common.outbox import Outbox
from docyard_common.work import settling
from docyard_common.work.model import Lease
from processor.history import ladder, report
from processor.reuse import results
from processor.reuse.recipe import Recipes
from processor.together import Together, Verdict
from processor.version import PIPELINE_VERSION, VERSION

_PAUSE_S = 1.0
"""How long a row stays away after a server did not answer; the breaker holds the slots longer."""


@dataclass(frozen=True)
class _Ending:
    """How one run ended, and what is to be published if its row is still its own."""

    lease: Lease
    request: StageRequested
    outcome: Outcome
    records: Sequence[codec.Record]
    recipe: str | None = None  # by which the document is whole now


class Settlement:
    """Settles runs for the slots of one process, those that end together in one transaction."""

    def __init__(self, *, database: Database, outbox: Outbox, recipes: Recipes) -> None:
        self._database = database
        self._outbox = outbox
        self._recipes = recipes
        self._together = Together(self._settle_all)

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
        records = await self._records(lease, request, outcome)
        if records and not announced:
            records.insert(0, self._started(lease))
        recipe = self._whole_by(lease, request, outcome)
        await self._together.do(_Ending(lease, request, outcome, records, recipe))

    async def _settle_all(self, endings: Sequence[_Ending]) -> list[Verdict]:
        """Write all *endings* in one transaction; of a run that lost its row, nothing."""
        # Rows are locked in the order of their keys here and by the heartbeat: no deadlocks.
        ordered = sorted(endings, key=lambda ending: ending.lease.key)
        async with self._database.transaction() as tx:
            async with tx.pipeline():
                await lock_documents(tx, [ending.lease.key.document_id for ending in ordered])
                holds = {id(each): await _change(tx, each) for each in ordered}
            verdicts = [_verdict(holds[id(ending)]) for ending in endings]
            seen = [each for each, why in zip(endings, verdicts, strict=True) if why is None]
            async with tx.pipeline():
                await self._outbox.add(tx, *(record for each in seen for record in each.records))
                await tx.commit()
        return verdicts

    async def _records(
        self, lease: Lease, request: StageRequested, outcome: Outcome
    ) -> list[codec.Record]:
        """Return what tells that the run has ended, in the context of its own trace."""
        now = datetime.now(UTC)
        match outcome:
            case Done():
                return self._done(lease, request, outcome, now)
            case Retry():
                return [self._retry(lease, outcome, now)]
            case DeadLetter(failure):
                return await self._dead(lease, failure, now)
            case Paused() | Abandoned():
                return []
            case _:
                assert_never(outcome)

    async def release(self, lease: Lease) -> None:
        """Give the row back at once: this process is about to end."""
        async with self._database.transaction() as tx:
            (await settling.release(tx, lease)).confirm()

    def _started(self, lease: Lease) -> codec.Record:
        event = StageStarted(**_about(lease, tick=0), attempt=lease.attempt, at=lease.started_at)
        return self._outbox.record(topics.EVENTS, event)

    def _whole_by(self, lease: Lease, request: StageRequested, outcome: Outcome) -> str | None:
        """Return the recipe that the document is whole by, if this run has ended the last stage."""
        if not isinstance(outcome, Done) or lease.key.stage.following is not None:
            return None
        with_errors = outcome.with_errors or request.with_errors
        return self._recipes.kept(lease, request, with_errors=with_errors)

    def _done(
        self, lease: Lease, request: StageRequested, done: Done, now: datetime
    ) -> list[codec.Record]:
        lease.meter.pages = done.pages_total
        finished = StageFinished(
            **_about(lease),
            attempt=lease.attempt,
            at=now,
            pages_total=done.pages_total,
            duration_s=max(0.0, (now - lease.started_at).total_seconds()),
            results=done.results,
            run=report(lease, now),
            reused_from=done.reuse.source if done.reuse else None,
        )
        return [
            self._outbox.record(topics.EVENTS, finished),
            *self._taken_over(lease, done, now),
            self._next(lease, request, done, now),
            *self._children(lease, request, done, now),
        ]

    def _taken_over(self, lease: Lease, done: Done, now: datetime) -> list[codec.Record]:
        """Return what tells of the stages that need no run: that they are done, and from where."""
        if done.reuse is None:
            return []
        facts = [
            StageFinished(
                **_about(lease, stage=stage),
                attempt=1,
                at=now,
                pages_total=other.pages_total,
                duration_s=0.0,
                results=other.results,
                reused_from=done.reuse.source,
            )
            for stage, other in done.reuse.following
        ]
        return [self._outbox.record(topics.EVENTS, fact) for fact in facts]

    def _next(
        self, lease: Lease, request: StageRequested, done: Done, now: datetime
    ) -> codec.Record:
        """Return the record that follows a finished stage: the next one's work, or the end."""
        last = done.reuse.following[-1][0] if done.reuse else lease.key.stage
        following = last.following
        with_errors = done.with_errors or request.with_errors
        known = {
            "pages_total": done.pages_total or request.pages_total,
            "content_type": done.content_type or request.content_type,
            "language": done.language or request.language,
            "document_type": done.document_type or request.document_type,
        }
        if following is None:
            completed = DocumentCompleted(
                document_id=request.document_id,
                owner=request.owner,
                generation=request.generation,
                seq=sequence.terminal(request.generation),
                completed_at=now,
                pages_total=known["pages_total"],
                with_errors=with_errors,
                pipeline_version=PIPELINE_VERSION,
                document_type=known["document_type"],
            )
            return self._outbox.record(topics.EVENTS, completed)
        seq = sequence.position(generation=request.generation, stage=following, fence=0, tick=0)
        work = request.model_copy(
            update={
                **known,
                "stage": following,
                "seq": seq,
                "inherits_from": None,
                "with_errors": with_errors,
                "recipe": self._recipes.kept(
                    lease, request, with_errors=with_errors or not done.as_promised
                ),
            }
        )
        return self._outbox.record(topics.work(following, request.priority), work)

    def _children(
        self, lease: Lease, request: StageRequested, done: Done, now: datetime
    ) -> list[codec.Record]:
        """Return the wish to make documents of what a container holds."""
        if done.members_key is None:
            return []
        found = ChildrenFound(
            document_id=lease.key.document_id,
            owner=lease.owner,
            generation=lease.key.generation,
            seq=sequence.position(
                generation=lease.key.generation,
                stage=lease.key.stage,
                fence=lease.fence,
                # As its start: what is said of children must not hide how the stage goes on.
                tick=0,
            ),
            members_key=done.members_key,
            priority=request.priority,
            options=request.options,
            depth=request.lineage.depth + 1 if request.lineage else 1,
            found_at=now,
        )
        return [self._outbox.record(topics.CHILDREN, found)]

    def _retry(self, lease: Lease, retry: Retry, now: datetime) -> codec.Record:
        failure, delay_s = retry.failure, retry.delay_s
        changed = retry.mode is not lease.meter.mode
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
        return self._outbox.record(topics.EVENTS, event)

    async def _dead(self, lease: Lease, failure: Failure, now: datetime) -> list[codec.Record]:
        async with self._database.autocommit() as tx:
            earlier = await settling.ladder(tx, lease)
        failed = DocumentFailed(
            **_about(lease),
            attempt=lease.attempt,
            reason=failure.reason,
            message=failure.message,
            failed_at=now,
            run=report(lease, now),
        )
        letter = _letter(lease, failure, now, attempts=ladder(earlier, lease, failure, now))
        return [self._outbox.record(topics.EVENTS, failed), letter]


async def _change(tx: Transaction, ending: _Ending) -> settling.Hold | None:
    """Change the row as the outcome says, if it is still the run's."""
    lease = ending.lease
    match ending.outcome:
        case Done(reuse=reuse):
            hold = await settling.remove(tx, lease)
            if reuse is not None:
                await settling.take_over(tx, lease, [stage for stage, _ in reuse.following])
            if ending.recipe is not None:
                await results.note(tx, lease, ending.request, ending.recipe)
            return hold
        case Retry(delay_s, failure, mode):
            return await settling.postpone(tx, lease, delay_s=delay_s, failure=failure, mode=mode)
        case DeadLetter(failure):
            return await settling.bury(tx, lease, failure=failure)
        case Paused():
            return await settling.release(tx, lease, delay_s=_PAUSE_S)
        case Abandoned():
            await settling.discard(tx, lease)
            return None
        case _:
            assert_never(ending.outcome)


def _verdict(hold: settling.Hold | None) -> Verdict:
    """Return why nothing may be seen of a run; None when its row was its own."""
    try:
        if hold is not None:
            hold.confirm()
    except SupersededError as error:
        return error
    return None


def _about(
    lease: Lease, *, tick: int = sequence.LAST_TICK, stage: Stage | None = None
) -> dict[str, object]:
    """Return the fields that every fact about a run has; the last tick ends it.

    *stage* is another one than the run's own where that needs no run.
    """
    key = lease.key
    stage = stage or key.stage
    return {
        "document_id": key.document_id,
        "owner": lease.owner,
        "generation": key.generation,
        "seq": sequence.position(
            generation=key.generation, stage=stage, fence=lease.fence, tick=tick
        ),
        "stage": stage,
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
