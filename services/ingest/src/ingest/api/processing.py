"""What waits, how fast it goes, and what became of each run, by HTTP."""

from fastapi import APIRouter

from docyard_common.database import Database
from ingest.api.callers import Caller, DocumentId
from ingest.api.links import API
from ingest.api.problems import refusals
from ingest.api.processing_models import (
    GenerationTimeline,
    PlaceOut,
    ProcessingMetrics,
    QueueOut,
    TimelineOut,
)
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.queueing import Queueing
from ingest.documents.timeline import timeline
from ingest.tables import document_events


class ProcessingRoutes:
    """Routes about the work itself."""

    def __init__(self, *, queueing: Queueing, lifecycle: Lifecycle, database: Database) -> None:
        self._queueing = queueing
        self._lifecycle = lifecycle
        self._database = database

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["processing"])
        add, missing = router.add_api_route, refusals("DOCUMENT_NOT_FOUND")
        add("/queue", self.queue, summary="Read the queue", responses=refusals())
        add(
            "/documents/processing/metrics",
            self.metrics,
            summary="Read the figures of the stages",
            responses=refusals(),
        )
        add(
            "/documents/{document_id}/queue",
            self.place,
            summary="Read where a document stands",
            responses=missing,
        )
        add(
            "/documents/{document_id}/timeline",
            self.timeline,
            summary="Read every run of a document",
            responses=missing,
        )
        return router

    async def queue(self, caller: Caller) -> QueueOut:
        """Answer what waits and what runs, by stage, over all owners.

        `waiting` is ingest's own count; the rest is what the processor told `age_s` ago.
        """
        del caller
        return QueueOut.of(*await self._queueing.read())

    async def metrics(self, caller: Caller) -> ProcessingMetrics:
        """Answer what each stage has done in the last minutes, how fast, and how busy it was."""
        del caller
        observed, _, now = await self._queueing.read()
        return ProcessingMetrics.of(observed, now)

    async def place(self, caller: Caller, document_id: DocumentId) -> PlaceOut:
        """Answer how many are ahead of the document, how long it waits, and when it may be done.

        The position counts higher lanes and older documents of its own; owners take turns, so
        that somebody with little in work comes earlier.
        """
        return PlaceOut.of(await self._queueing.place(document_id, owner=caller.subject))

    async def timeline(self, caller: Caller, document_id: DocumentId) -> TimelineOut:
        """Answer each generation's stages with their runs: wait, work, worker, memory, pages."""
        await self._lifecycle.find(document_id, owner=caller.subject)
        async with self._database.transaction() as tx:
            rows = await document_events.all_of(tx, document_id)
        return TimelineOut(
            document_id=document_id,
            generations=[GenerationTimeline.of(entry) for entry in timeline(rows)],
        )
