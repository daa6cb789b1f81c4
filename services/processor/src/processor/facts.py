"""What is published of a run that has begun or ended: facts, the next work, dead letters."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from docyard_common.delivery import headers
from docyard_common.delivery.ladder import described
from docyard_common.delivery.outcome import Done, Failure, Retry
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
from docyard_common.work.model import Lease
from processor.history import ladder, report
from processor.reuse.recipe import Recipes
from processor.version import PIPELINE_VERSION, VERSION


class Facts:
    """Makes records in the context of the run's own trace; publishes none of them."""

    def __init__(self, *, outbox: Outbox, recipes: Recipes) -> None:
        self._outbox = outbox
        self._recipes = recipes

    def started(self, lease: Lease) -> codec.Record:
        event = StageStarted(**_about(lease, tick=0), attempt=lease.attempt, at=lease.started_at)
        return self._outbox.record(topics.EVENTS, event)

    def done(
        self, lease: Lease, request: StageRequested, done: Done, now: datetime
    ) -> list[codec.Record]:
        """Return the end of the stage, and what follows: the next one, the end, children."""
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

    def retry(self, lease: Lease, retry: Retry, now: datetime) -> codec.Record:
        failure, delay_s = retry.failure, retry.delay_s
        changed = retry.mode is not lease.meter.mode
        event = StageRetrying(
            **_about(lease),
            attempt=lease.attempt,
            at=now,
            reason=failure.reason,
            message=f"{failure.message}; the next attempt {_does(retry, lease)}"
            if changed
            else failure.message,
            due_at=now + timedelta(seconds=delay_s),
            run=report(lease, now),
            next_mode=retry.mode if changed else None,
        )
        return self._outbox.record(topics.EVENTS, event)

    def dead(
        self,
        lease: Lease,
        failure: Failure,
        now: datetime,
        *,
        earlier: Sequence[Mapping[str, Any]],
    ) -> list[codec.Record]:
        """Return the failure and the dead letter; *earlier* are the runs that came before."""
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


def _does(retry: Retry, lease: Lease) -> str:
    return described(retry.mode, stage=lease.key.stage)


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
