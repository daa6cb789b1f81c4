"""Index: chunks with their pages and embeddings, and the part of the entity graph they show."""

from docyard_common.delivery.outcome import Done
from docyard_common.events.work import StageRequested
from docyard_common.observability import metrics
from docyard_common.search.graph import graph_of
from docyard_common.search.port import IndexedDocument, SearchIndex
from docyard_common.work.model import Lease
from processor.handlers.desk import Desk
from processor.stages.task import Indexed


class Index:
    """Replaces the document's chunks and graph in one transaction: all of it is found at once.

    A kill -9 after that and before the end of the run makes the next run do the same again.
    """

    def __init__(self, desk: Desk, *, index: SearchIndex) -> None:
        self._desk = desk
        self._index = index

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Index the pages that extract has stored."""
        async with self._desk.run(lease, request) as run:
            manifest, batches = await self._desk.pages(run)
            result = await self._desk.work(run, run.task(page_batches=batches))
            graph = graph_of(request.owner, await self._desk.analysis(run))
        assert isinstance(result, Indexed)  # noqa: S101 - the answer to an index task
        document = IndexedDocument(
            document_id=request.document_id,
            owner=request.owner,
            generation=request.generation,
            filename=request.filename,
            content_type=request.content_type,
            language=request.language,
            document_type=request.document_type,
        )
        await self._index.replace(document, result.chunks, graph, pace=self._desk.pace(lease))
        metrics.INDEXED_CHUNKS.inc(len(result.chunks))
        return Done(
            pages_total=manifest.page_count,
            results={
                "chunks": len(result.chunks),
                "entities": len(graph.entities),
                "relations": len(graph.relations),
            },
        )
