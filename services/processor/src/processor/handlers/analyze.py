"""Analyze: language, type, keywords, summary, entities and relations of the text."""

from docyard_common import artifacts
from docyard_common.analysis import Analysis, Enrichment
from docyard_common.delivery.outcome import Done
from docyard_common.events.work import StageRequested
from docyard_common.work.model import Lease
from processor.enrichment.enricher import Enricher
from processor.handlers.desk import Desk
from processor.stages.task import Analyzed


class Analyze:
    """Leaves one object, which is its own manifest; doing it again writes the same."""

    def __init__(self, desk: Desk, *, enricher: Enricher | None = None) -> None:
        self._desk = desk
        self._enricher = enricher

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Analyze the pages that extract has stored."""
        key = lease.key
        async with self._desk.run(lease, request) as run:
            manifest, batches = await self._desk.pages(run)
            wanted = self._enricher.excerpt_bytes if self._enricher else 0
            task = run.task(page_batches=batches, excerpt_bytes=wanted)
            result = await self._desk.work(run, task)
        assert isinstance(result, Analyzed)  # noqa: S101 - the answer to an analyze task
        analysis = await self._enriched(result, lease)
        name = artifacts.manifest_key(key.document_id, key.generation, "analyze")
        await self._desk.objects.put_new(name, artifacts.dump(analysis))
        return done(analysis, manifest.page_count)

    async def _enriched(self, result: Analyzed, lease: Lease) -> Analysis:
        if self._enricher is None:
            return result.analysis
        key = lease.key
        return await self._enricher.enrich(
            result.analysis,
            result.excerpt,
            document_id=key.document_id,
            generation=key.generation,
        )


def done(analysis: Analysis, page_count: int) -> Done:
    """Return how analyze ended that has left *analysis*."""
    found = analysis.classification
    document_type = found.document_type.value if found else None
    return Done(
        pages_total=page_count,
        language=analysis.language,
        document_type=document_type,
        as_promised=analysis.enrichment is None or analysis.enrichment.used,
        results={
            "language": analysis.language,
            "document_type": document_type,
            "keywords": [keyword.text for keyword in analysis.keywords[:10]],
            "entities": len(analysis.entities),
            "relations": len(analysis.relations),
            **_told(analysis.enrichment),
        },
    )


def _told(enrichment: Enrichment | None) -> dict[str, str]:
    if enrichment is None:
        return {}
    return {"model": enrichment.model if enrichment.used else f"not used: {enrichment.reason}"}
