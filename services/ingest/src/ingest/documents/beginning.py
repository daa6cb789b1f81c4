"""The work that a generation of a document begins with."""

from datetime import datetime

from docyard_common.events import sequence
from docyard_common.events.stages import Priority
from docyard_common.events.work import StageRequested
from ingest.document import Document, Start


def first_work(
    document: Document,
    start: Start,
    *,
    generation: int,
    accepted_at: datetime,
    priority: Priority,
    reconciling: bool = False,
) -> StageRequested:
    """Return the request that has *generation* of *document* begin as *start* says."""
    return StageRequested(
        document_id=document.document_id,
        owner=document.view.owner,
        generation=generation,
        seq=sequence.position(generation=generation, stage=start.stage, fence=0, tick=0),
        stage=start.stage,
        priority=priority,
        filename=document.filename,
        content_type=start.content_type or document.content_type,
        size_bytes=document.size_bytes,
        sha256=document.sha256,
        object_key=document.object_key,
        accepted_at=accepted_at,
        options=document.options,
        pages_total=start.pages_total,
        language=start.language,
        document_type=start.document_type,
        with_errors=start.with_errors,
        inherits_from=start.inherits_from,
        reconciling=reconciling,
        lineage=document.lineage,
    )
