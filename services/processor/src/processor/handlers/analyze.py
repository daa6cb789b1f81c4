"""Analyze: language, type, keywords, summary, entities and relations of the text."""

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.delivery.outcome import Done
from docyard_common.events.work import StageRequested
from docyard_common.work.model import Lease
from processor.handlers.desk import Desk
from processor.stages.task import Analyzed


class Analyze:
    """Leaves one object, which is its own manifest; doing it again writes the same."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Analyze the pages that extract has stored."""
        key = lease.key
        async with self._desk.run(lease, request) as run:
            manifest, batches = await self._desk.pages(run)
            result = await self._desk.work(run, run.task(page_batches=batches))
        assert isinstance(result, Analyzed)  # noqa: S101 - the answer to an analyze task
        name = artifacts.manifest_key(key.document_id, key.generation, "analyze")
        await self._desk.objects.put_new(name, artifacts.dump(result.analysis))
        return done(result.analysis, manifest.page_count)


def done(analysis: Analysis, page_count: int) -> Done:
    """Return how analyze ended that has left *analysis*."""
    found = analysis.classification
    document_type = found.document_type.value if found else None
    return Done(
        pages_total=page_count,
        language=analysis.language,
        document_type=document_type,
        results={
            "language": analysis.language,
            "document_type": document_type,
            "keywords": [keyword.text for keyword in analysis.keywords[:10]],
            "entities": len(analysis.entities),
            "relations": len(analysis.relations),
        },
    )
