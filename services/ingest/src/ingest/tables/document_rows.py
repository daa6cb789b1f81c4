"""Rows of the table `documents` as what they stand for, and back."""

from typing import Any, Final

from docyard_common.errors import FailureReason
from docyard_common.events.progress import DocumentView, ViewError
from docyard_common.events.stages import DocumentState, Priority, Stage
from docyard_common.events.work import Lineage
from ingest.document import Document, Start

WITH_COUNT: Final = """
select *, (
    select count(*) from documents child
    where child.parent_id = documents.document_id and child.deleted_at is null
) as children_count from documents
"""
"""What `document_of` needs."""


def document_of(row: dict[str, Any]) -> Document:
    """Return the document of a row of `WITH_COUNT`."""
    return Document(
        filename=row["filename"],
        content_type=row["content_type"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        object_key=row["object_key"],
        priority=Priority(row["priority"]),
        options=row["options"],
        original_removed_at=row["original_removed_at"],
        artifacts_removed_generation=row["artifacts_removed_generation"],
        metadata=row["metadata"],
        created_at=row["created_at"],
        view=view_of(row),
        lineage=Lineage.model_validate(row["lineage"]) if row["lineage"] else None,
        start=Start.model_validate(row["start"]) if row["start"] else None,
        children_count=row["children_count"],
    )


def view_of(row: dict[str, Any]) -> DocumentView:
    """Return what the projector knows of a document."""
    return DocumentView(
        document_id=row["document_id"],
        owner=row["owner"],
        generation=row["generation"],
        seq=row["seq"],
        updated_at=row["updated_at"],
        state=DocumentState(row["state"]),
        stage=Stage(row["stage"]) if row["stage"] else None,
        progress=row["progress"],
        pages_done=row["pages_done"],
        pages_total=row["pages_total"],
        message=row["message"],
        eta_s=row["eta_s"],
        attempt=row["attempt"],
        error=_error(row),
        completed_at=row["completed_at"],
        result_generation=row["result_generation"],
        pipeline_version=row["pipeline_version"],
        document_type=row["document_type"],
        waits_for=Stage(row["waits_for"]) if row["waits_for"] else None,
        waiting_since=row["waiting_since"],
    )


def _error(row: dict[str, Any]) -> ViewError | None:
    if row["error_code"] is None:
        return None
    return ViewError(FailureReason(row["error_code"]), row["error_message"], row["error_retryable"])


def columns_of(view: DocumentView) -> dict[str, Any]:
    """Return the columns that the projector writes."""
    error = view.error
    return {
        "document_id": view.document_id,
        "generation": view.generation,
        "seq": view.seq,
        "updated_at": view.updated_at,
        "state": view.state,
        "stage": view.stage,
        "progress": view.progress,
        "pages_done": view.pages_done,
        "pages_total": view.pages_total,
        "message": view.message,
        "eta_s": view.eta_s,
        "attempt": view.attempt,
        "error_code": error and error.code,
        "error_message": error and error.message,
        "error_retryable": error and error.retryable,
        "completed_at": view.completed_at,
        "result_generation": view.result_generation,
        "pipeline_version": view.pipeline_version,
        "document_type": view.document_type,
        "waits_for": view.waits_for,
        "waiting_since": view.waiting_since,
    }
