"""One event of every type that can be on the wire, with every field set."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from docyard_common.errors import FailureReason
from docyard_common.events import documents, observation, work
from docyard_common.events.envelope import Event
from docyard_common.events.stages import Priority, Stage

DOCUMENT_ID: Final = UUID("0197a3c4-5b6d-7e8f-8a9b-0c1d2e3f4a5b")
PARENT_ID: Final = UUID("0197a3c4-5b6d-7e8f-8a9b-0c1d2e3f4a00")
MOMENT: Final = datetime(2026, 3, 14, 9, 26, 53, 589_793, tzinfo=UTC)

_OF_A_DOCUMENT: Final[dict[str, Any]] = {
    "document_id": DOCUMENT_ID,
    "owner": "ada",
    "generation": 1,
    "seq": 4_947_802_324_993,
}
_OF_A_RUN: Final[dict[str, Any]] = _OF_A_DOCUMENT | {
    "stage": Stage.EXTRACT,
    "attempt": 2,
    "at": MOMENT,
}
_RUN: Final = documents.RunReport(
    worker="host:42", waited_s=0.25, ran_s=1.25, mode="careful", pages=24, peak_memory_bytes=2**28
)
_OF_A_FILE: Final[dict[str, Any]] = {
    "filename": "Lieferschein März.pdf",
    "content_type": "application/pdf",
    "size_bytes": 48_213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "object_key": f"documents/{DOCUMENT_ID}/original",
    "priority": Priority.HIGH,
    "accepted_at": MOMENT,
}

EXAMPLES: Final[tuple[Event, ...]] = (
    documents.DocumentAccepted(
        **_OF_A_DOCUMENT, **_OF_A_FILE, parent_id=PARENT_ID, metadata={"case": "A-17"}
    ),
    documents.ReprocessingAccepted(
        **_OF_A_DOCUMENT, from_stage=Stage.ANALYZE, requested_by="olga", accepted_at=MOMENT
    ),
    documents.ChildrenAccepted(
        **_OF_A_DOCUMENT,
        children=2,
        refused_count=1,
        refused=(
            documents.RefusedChild(position=3, path="a/b.pdf", code="STORAGE_QUOTA_EXCEEDED"),
        ),
        accepted_at=MOMENT,
    ),
    documents.StageStarted(**_OF_A_RUN),
    documents.StageFinished(
        **_OF_A_RUN,
        pages_total=24,
        duration_s=1.25,
        results={"language": "de"},
        run=_RUN,
        reused_from=DOCUMENT_ID,
    ),
    documents.StageRetrying(
        **_OF_A_RUN,
        reason=FailureReason.MEMORY_LIMIT,
        message="It needed more than 2048 MiB.",
        due_at=MOMENT,
        run=_RUN,
        next_mode="plain",
    ),
    documents.DocumentProgressed(
        **_OF_A_RUN, pages_done=12, pages_total=24, eta_s=3.5, message="page 12 of 24"
    ),
    documents.DocumentCompleted(
        **_OF_A_DOCUMENT,
        completed_at=MOMENT,
        pages_total=24,
        with_errors=True,
        pipeline_version=3,
        document_type="invoice",
    ),
    documents.DocumentFailed(
        **_OF_A_DOCUMENT,
        stage=Stage.VALIDATE,
        attempt=1,
        reason=FailureReason.ENCRYPTED_DOCUMENT,
        message="The PDF opens only with a password; upload it without one.",
        failed_at=MOMENT,
        run=_RUN,
    ),
    documents.DocumentCancelled(**_OF_A_DOCUMENT, cancelled_at=MOMENT),
    documents.DocumentDeleted(**_OF_A_DOCUMENT, deleted_at=MOMENT),
    observation.ProcessingObserved(
        observed_at=MOMENT,
        window_s=300.0,
        stages=(
            observation.StageObserved(
                stage=Stage.EXTRACT,
                waiting=dict.fromkeys(Priority, 2),
                retrying=1,
                running=3,
                slots=4,
                oldest_s=1.5,
                dead=1,
                waiting_for_memory=1,
                stopped="too many failures",
                done=40,
                failed=2,
                retried=3,
                run_s=observation.Spread(p50=0.5, p95=2.0),
                wait_s=observation.Spread(p50=0.1, p95=0.4),
                utilisation=0.75,
            ),
        ),
        breakers=(
            observation.BreakerObserved(
                stage=Stage.EXTRACT,
                dependency="object_store",
                state="open",
                failures=3,
                opened_at=MOMENT,
                retry_at=MOMENT,
            ),
        ),
    ),
    work.StageRequested(
        **_OF_A_DOCUMENT,
        **_OF_A_FILE,
        stage=Stage.ANALYZE,
        options={"ocr": "off"},
        pages_total=24,
        language="de",
        document_type="invoice",
        with_errors=True,
        inherits_from=2,
        reconciling=True,
        lineage=work.Lineage(parent_id=PARENT_ID, depth=2, members_left=120, bytes_left=4_096),
        recipe="0123456789abcdef:fedcba9876543210",
    ),
    work.ChildrenFound(
        **_OF_A_DOCUMENT,
        members_key=f"documents/{DOCUMENT_ID}/1/extract/members.json.zst",
        priority=Priority.HIGH,
        options={"ocr": "off"},
        depth=1,
        found_at=MOMENT,
    ),
    work.CancelRequested(
        document_id=DOCUMENT_ID,
        owner="ada",
        requested_by="ada",
        requested_at=MOMENT,
        generation=2,
        result_generation=1,
    ),
    work.ReprocessRequested(
        document_id=DOCUMENT_ID,
        owner="ada",
        from_stage=Stage.EXTRACT,
        after_generation=2,
        requested_by="olga",
        requested_at=MOMENT,
    ),
    work.RemovalRequested(document_id=DOCUMENT_ID, below_generation=3, requested_at=MOMENT),
    work.BreakerResetRequested(
        stage=Stage.EXTRACT,
        dependency="object_store",
        requested_by="olga",
        requested_at=MOMENT,
    ),
    work.StageSlotsRequested(
        stage=Stage.EXTRACT, slots=2, requested_by="olga", requested_at=MOMENT
    ),
    work.StageResumeRequested(stage=Stage.INDEX, requested_by="olga", requested_at=MOMENT),
)
