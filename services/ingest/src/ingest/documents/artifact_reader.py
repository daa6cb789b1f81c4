"""Reads what the stages have left of a document, also while extract still runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest, Page, PageBatch
from docyard_common.errors import ObjectMissingError
from docyard_common.events.stages import Stage
from docyard_common.storage import ObjectStore
from ingest.document import Document
from ingest.errors import NotAvailableError, NotReadyError, PageNotFoundError

_Artifact = TypeVar("_Artifact", bound=BaseModel)

PAGE_BREAK: Final = "\n\n"
ARTIFACTS_REMOVED: Final = "What was made of this document is not kept any more."


@dataclass(frozen=True)
class PageSlice:
    """Consecutive pages that are finished, and whether later ones may follow."""

    pages: tuple[Page, ...]
    following: int | None  # number of the page after them; None at the end of the document


class ArtifactReader:
    """Finds and decodes artifacts. All methods raise DependencyUnavailableError.

    Artifacts that are not kept any more are as if they had never been made.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def manifest(self, document: Document) -> ExtractManifest | None:
        """Return what extract has made; None while it has not finished."""
        return await self._load(ExtractManifest, document, Stage.EXTRACT)

    async def analysis(self, document: Document) -> Analysis | None:
        """Return what analyze has made; None while it has not finished."""
        return await self._load(Analysis, document, Stage.ANALYZE)

    async def page(self, document: Document, number: int) -> Page:
        """Return one finished page. Raises PageNotFoundError or NotReadyError."""
        manifest = await self.manifest(document)
        batches = await self._batches(document, manifest)
        batch = next((b for b in batches if b.first <= number <= b.last), None)
        if batch is not None:
            for page in await self._pages(batch):
                if page.number == number:
                    return page
        if manifest is None and not document.view.is_terminal:
            raise NotReadyError(f"Page {number} has not been read yet.")
        raise PageNotFoundError(f"The document has no page {number}.")

    async def pages(self, document: Document, *, first: int, limit: int) -> PageSlice:
        """Return up to *limit* finished pages from *first* on, without a gap in what is known."""
        manifest = await self.manifest(document)
        found: list[Page] = []
        for batch in await self._batches(document, manifest):
            if batch.last < first:
                continue
            found += [p for p in await self._pages(batch) if p.number >= first]
            if len(found) > limit:
                break
        following = found[limit].number if len(found) > limit else None
        if following is None and manifest is None and not document.view.is_terminal:
            following = found[-1].number + 1 if found else first
        return PageSlice(tuple(found[:limit]), following)

    async def text(self, document: Document) -> AsyncIterator[str]:
        """Return the text of all pages, batch by batch.

        Raises NotReadyError or NotAvailableError before anything is yielded.
        """
        manifest = await self.required_manifest(document)
        return self._texts(manifest)

    async def required_manifest(self, document: Document) -> ExtractManifest:
        """Return the manifest of extract. Raises NotReadyError or NotAvailableError."""
        manifest = await self.manifest(document)
        if manifest is None:
            raise _absent(document, "The text")
        return manifest

    async def required_analysis(self, document: Document) -> Analysis:
        """Return the result of analyze. Raises NotReadyError or NotAvailableError."""
        analysis = await self.analysis(document)
        if analysis is None:
            raise _absent(document, "The analysis")
        return analysis

    async def thumbnail(self, document: Document) -> bytes:
        """Return a WebP image. Raises NotReadyError or NotAvailableError."""
        manifest = await self.required_manifest(document)
        if manifest.thumbnail_key is None:
            raise NotAvailableError("There is no thumbnail of this document.")
        return await self._store.get(manifest.thumbnail_key)

    async def _texts(self, manifest: ExtractManifest) -> AsyncIterator[str]:
        between = ""
        for batch in manifest.batches:
            yield between + PAGE_BREAK.join(page.text for page in await self._pages(batch))
            between = PAGE_BREAK

    async def _batches(
        self, document: Document, manifest: ExtractManifest | None
    ) -> list[PageBatch]:
        """Return where pages lie, in their order: by the manifest, or what lies there so far."""
        if document.artifacts_removed:
            return []
        if manifest is not None:
            return sorted(manifest.batches, key=lambda batch: batch.first)
        prefix = artifacts.pages_prefix(document.document_id, document.artifact_generation)
        found = [stat.key async for stat in self._store.list(prefix)]
        ranges = [(*artifacts.page_range(key), key) for key in found]
        return [PageBatch(first=first, last=last, key=key) for first, last, key in sorted(ranges)]

    async def _pages(self, batch: PageBatch) -> tuple[Page, ...]:
        data = await self._store.get(batch.key)
        return await asyncio.to_thread(artifacts.load_pages, data)

    async def _load(
        self, kind: type[_Artifact], document: Document, stage: Stage
    ) -> _Artifact | None:
        if document.artifacts_removed:
            return None  # what still lies there is on its way out
        key = artifacts.manifest_key(document.document_id, document.artifact_generation, stage)
        try:
            data = await self._store.get(key)
        except ObjectMissingError:
            return None
        return await asyncio.to_thread(artifacts.load, kind, data)


def _absent(document: Document, what: str) -> NotReadyError | NotAvailableError:
    if document.view.is_terminal:
        return NotAvailableError(f"{what} of this document was never made: see its state.")
    return NotReadyError(f"{what} of this document is not ready yet.")
