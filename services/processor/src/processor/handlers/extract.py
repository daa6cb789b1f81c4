"""Extract: text and metadata, page by page; finished pages are readable at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from docyard_common import artifacts
from docyard_common.artifacts import ExtractManifest, PageBatch, PageError
from docyard_common.delivery.outcome import Done
from docyard_common.errors import ObjectMissingError
from docyard_common.events.work import StageRequested
from docyard_common.media_types import MediaType
from docyard_common.work.model import Lease, WorkKey
from processor.handlers.desk import Desk, Run
from processor.handlers.members import MemberStore
from processor.handlers.remote import RemoteExtractor
from processor.stages.task import Extracted, PagesReady

_UNREAD = "the page could not be read"


@dataclass
class _Found:
    """What is stored of the document's pages: batches without a gap from page 1."""

    batches: list[PageBatch] = field(default_factory=list)
    characters: int = 0
    errors: list[PageError] = field(default_factory=list)

    @property
    def next_page(self) -> int:
        return self.batches[-1].last + 1 if self.batches else 1


class Extract:
    """Stores batches while the child works, the thumbnail, and the manifest last.

    A kill -9 costs the pages of the unfinished batch: the next run goes on after the last stored
    one. With a manifest there, only the end of the stage is missing.
    """

    def __init__(self, desk: Desk, *, remote: RemoteExtractor) -> None:
        self._desk = desk
        self._objects = desk.objects
        self._remote = remote

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Read the document. Raises the reason why it can not be read."""
        key = lease.key
        manifest_key = artifacts.manifest_key(key.document_id, key.generation, "extract")
        # A first run finds nothing: asking the store would only cost it time.
        manifest = await self._manifest(manifest_key) if lease.fence > 1 else None
        if manifest is None:
            async with self._desk.run(lease, request) as run:
                manifest = await self._extract(run)
            data = artifacts.dump(manifest)
            # A run that slept beyond its lease must not replace what its successor wrote.
            if not await self._objects.put_new(manifest_key, data):
                manifest = await self._manifest(manifest_key) or manifest
        return done(manifest)

    async def _manifest(self, key: str) -> ExtractManifest | None:
        try:
            return artifacts.load(ExtractManifest, await self._objects.get(key))
        except ObjectMissingError:
            return None

    async def _extract(self, run: Run) -> ExtractManifest:
        path, _ = await self._desk.original(run)
        found = await self._stored(run.lease.key) if run.lease.fence > 1 else _Found()
        page = await self._read_elsewhere(run, path, found)
        reads = _as_page(page) if page else {"input": path}
        task = run.task(first_page=found.next_page, **reads)

        async def on_pages(batch: PagesReady) -> None:
            found.batches.append(await self._store(run.lease.key, batch))

        members = MemberStore(self._objects, key=run.lease.key, budget=task.budget())
        result = await self._desk.work(run, task, on_pages=on_pages, on_member=members.take)
        assert isinstance(result, Extracted)  # noqa: S101 - the answer to an extract task
        return ExtractManifest(
            media_type=run.request.content_type if page else result.media_type.value,
            page_count=result.page_count,
            characters=found.characters + result.characters,
            batches=tuple(found.batches),
            page_errors=(*found.errors, *result.page_errors),
            thumbnail_key=await self._thumbnail(run.lease.key, result.thumbnail),
            extractor=self._remote.name if page else result.extractor,
            metadata=result.metadata,
            members_key=await members.close(),
            children=members.count,
        )

    async def _read_elsewhere(self, run: Run, path: Path, found: _Found) -> Path | None:
        """Return the page that a remote extractor makes of the document; None where none does.

        A second attempt does without it, unless pages of the first are stored: those of another
        extractor would not go on where they end.
        """
        media_type = run.request.content_type
        if media_type is None or not self._remote.reads(media_type):
            return None
        if run.lease.attempt > 1 and not found.batches:
            return None
        page = run.folder / "page.html"
        taken = await self._remote.fetch(path, media_type=media_type, into=page)
        return page if taken else None

    async def _store(self, key: WorkKey, batch: PagesReady) -> PageBatch:
        name = artifacts.pages_key(
            key.document_id, key.generation, first=batch.first, last=batch.last
        )
        await self._objects.put(name, batch.data)
        return PageBatch(first=batch.first, last=batch.last, key=name)

    async def _stored(self, key: WorkKey) -> _Found:
        """Find the batches that an interrupted run has left."""
        prefix = artifacts.pages_prefix(key.document_id, key.generation)
        keys = [stat.key async for stat in self._objects.list(prefix)]
        found = _Found()
        for batch in _chain(keys):
            pages = artifacts.load_pages(await self._objects.get(batch.key))
            found.batches.append(batch)
            found.characters += sum(len(page.text) for page in pages)
            missing = set(range(batch.first, batch.last + 1)) - {page.number for page in pages}
            found.errors += [PageError(number=n, message=_UNREAD) for n in sorted(missing)]
        return found

    async def _thumbnail(self, key: WorkKey, data: bytes | None) -> str | None:
        if data is None:
            return None
        name = artifacts.thumbnail_key(key.document_id, key.generation)
        await self._objects.put(name, data, content_type="image/webp")
        return name


def _as_page(page: Path) -> dict[str, object]:
    return {
        "input": page,
        "filename": page.name,
        "content_type": MediaType.HTML,
        "size_bytes": page.stat().st_size,
    }


def _chain(keys: Sequence[str]) -> list[PageBatch]:
    """Return the batches from page 1 on without a gap; of overlapping ones the longest."""
    chain: list[PageBatch] = []
    following = 1
    ranges = sorted((artifacts.page_range(key), key) for key in keys)
    while fitting := [(last, key) for (first, last), key in ranges if first == following]:
        last, key = max(fitting)
        chain.append(PageBatch(first=following, last=last, key=key))
        following = last + 1
    return chain


def done(manifest: ExtractManifest) -> Done:
    """Return how extract ended that has left *manifest*."""
    return Done(
        pages_total=manifest.page_count,
        content_type=manifest.media_type,
        with_errors=bool(manifest.page_errors),
        members_key=manifest.members_key,
        results={
            "content_type": manifest.media_type,
            "page_count": manifest.page_count,
            "characters": manifest.characters,
            "unread_pages": [error.number for error in manifest.page_errors[:100]],
            "extractor": manifest.extractor,
            **({"children": manifest.children} if manifest.children else {}),
        },
    )
