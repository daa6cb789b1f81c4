"""The life of one document as its events, in the order in which a test wants to tell them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from docyard_common.errors import FailureReason
from docyard_common.events import documents as facts
from docyard_common.events import sequence
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Life:
    """Makes events of one document; every call is a moment of its own."""

    def __init__(self, owner: str, document_id: UUID | None = None) -> None:
        self.document_id = document_id or uuid7()
        self.owner = owner

    def accepted(self) -> facts.DocumentAccepted:
        return facts.DocumentAccepted(
            **self._about(sequence.ACCEPTED, 0),
            filename="a.pdf",
            content_type="application/pdf",
            size_bytes=1,
            sha256="0" * 64,
            object_key="k",
            priority=Priority.NORMAL,
            accepted_at=NOW,
        )

    def started(self, stage: Stage, fence: int = 1) -> facts.StageStarted:
        return facts.StageStarted(**self._run(stage, fence, 0))

    def ticked(
        self, stage: Stage, done: int, total: int = 100, fence: int = 1
    ) -> facts.DocumentProgressed:
        return facts.DocumentProgressed(
            **self._run(stage, fence, done), pages_done=done, pages_total=total
        )

    def retrying(self, stage: Stage, fence: int, message: str) -> facts.StageRetrying:
        return facts.StageRetrying(
            **self._run(stage, fence, sequence.LAST_TICK),
            reason=FailureReason.TIMEOUT,
            message=message,
            due_at=NOW,
        )

    def finished(self, stage: Stage, fence: int = 1) -> facts.StageFinished:
        return facts.StageFinished(**self._run(stage, fence, sequence.LAST_TICK), duration_s=1)

    def failed(self, stage: Stage, fence: int = 1) -> facts.DocumentFailed:
        seq = sequence.position(generation=1, stage=stage, fence=fence, tick=sequence.LAST_TICK)
        return facts.DocumentFailed(
            **self._about(seq),
            stage=stage,
            attempt=fence,
            reason=FailureReason.ENCRYPTED_DOCUMENT,
            message="Remove the password.",
            failed_at=NOW,
        )

    def completed(self) -> facts.DocumentCompleted:
        about = self._about(sequence.terminal(1))
        return facts.DocumentCompleted(**about, completed_at=NOW, pages_total=100)

    def cancelled(self) -> facts.DocumentCancelled:
        return facts.DocumentCancelled(**self._about(sequence.terminal(1)), cancelled_at=NOW)

    def deleted(self) -> facts.DocumentDeleted:
        return facts.DocumentDeleted(**self._about(sequence.terminal(1)), deleted_at=NOW)

    def stage(self, stage: Stage) -> tuple[facts.StageStarted, facts.StageFinished]:
        return self.started(stage), self.finished(stage)

    def _run(self, stage: Stage, fence: int, tick: int) -> dict[str, Any]:
        seq = sequence.position(generation=1, stage=stage, fence=fence, tick=tick)
        return self._about(seq) | {"stage": stage, "attempt": fence, "at": NOW}

    def _about(self, seq: int, generation: int = 1) -> dict[str, Any]:
        return {
            "document_id": self.document_id,
            "owner": self.owner,
            "generation": generation,
            "seq": seq,
        }
