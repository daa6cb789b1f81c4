"""Extract: text and metadata, page by page; finished pages are readable at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

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

_UNREAD: Final = "the page could not be read"
_SUFFIX: Final = ".json.zst"
_ELSEWHERE: Final = ".elsewhere.json.zst"
"""Of batches from the page of a remote extractor. Their names are their own: what somebody keeps
of them is never taken for what was read here later."""


@dataclass
class _Left:
    """Keys of the batches that interrupted runs have left, by where the pages were read."""

    here: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


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
    one. With a manifest there, only the end of the stage is missing. All pages of a document come
    from one reader: the key of a batch says whether a remote extractor was the one.
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
        left = await self._left(run.lease.key) if run.lease.fence > 1 else _Left()
        page = await self._read_elsewhere(run, path, left)
        found = await self._found(left.elsewhere if page else left.here)
        if page is None:
            await self._remove(left.elsewhere)
        reads = _as_page(page) if page else {"input": path}
        task = run.task(first_page=found.next_page, **reads)

        async def on_pages(batch: PagesReady) -> None:
            name = _batch_key(run.lease.key, batch, elsewhere=page is not None)
            await self._objects.put(name, batch.data)
            found.batches.append(PageBatch(first=batch.first, last=batch.last, key=name))

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

    async def _read_elsewhere(self, run: Run, path: Path, left: _Left) -> Path | None:
        """Return the page that a remote extractor makes of the document; None where none does.

        A second attempt does without it, and so does a run that finds pages which were read here.
        """
        media_type = run.request.content_type
        if media_type is None or not self._remote.reads(media_type):
            return None
        if run.lease.attempt > 1 or left.here:
            return None
        page = run.folder / "page.html"
        taken = await self._remote.fetch(path, media_type=media_type, into=page)
        return page if taken else None

    async def _left(self, key: WorkKey) -> _Left:
        prefix = artifacts.pages_prefix(key.document_id, key.generation)
        left = _Left()
        async for stat in self._objects.list(prefix):
            (left.elsewhere if stat.key.endswith(_ELSEWHERE) else left.here).append(stat.key)
        return left

    async def _remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            await self._objects.delete(key)

    async def _found(self, keys: Sequence[str]) -> _Found:
        """Read what an interrupted run has left."""
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


def _batch_key(key: WorkKey, batch: PagesReady, *, elsewhere: bool) -> str:
    name = artifacts.pages_key(key.document_id, key.generation, first=batch.first, last=batch.last)
    return name.removesuffix(_SUFFIX) + _ELSEWHERE if elsewhere else name


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
