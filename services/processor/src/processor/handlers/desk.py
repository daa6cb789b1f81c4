"""What every handler works with: the store, a child, a folder, and the progress of the run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.events.work import StageRequested
from docyard_common.pace import Pace
from docyard_common.storage.port import ObjectStore
from docyard_common.work.model import Lease
from processor.courtesy import Courtesy
from processor.handlers.fetching import fetch_at_pace
from processor.handlers.inheritance import inherit
from processor.progress import ProgressReporter
from processor.sandbox.conversation import OnMember, OnPages
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Progress, StageResult, StageTask

Borrow = Callable[[], AbstractAsyncContextManager[Sandbox]]
Tell = Callable[[Lease], ProgressReporter]
LendFolder = Callable[[], AbstractAsyncContextManager[Path]]


@dataclass(frozen=True)
class Run:
    """One run of one stage: what is asked for, where its files lie, whom it tells."""

    lease: Lease
    request: StageRequested
    folder: Path
    progress: ProgressReporter
    defaults: Mapping[str, object]  # of the fields that settings decide

    def task(self, **inputs: object) -> StageTask:
        """Return the task for the child, in the mode of this run."""
        request, lineage = self.request, self.request.lineage
        return StageTask.model_validate(
            {
                "stage": self.lease.key.stage,
                "filename": request.filename,
                "content_type": request.content_type,
                "size_bytes": request.size_bytes,
                "sha256": request.sha256,
                "pages_total": request.pages_total,
                "language": request.language,
                "options": request.options,
                "mode": self.lease.meter.mode,
                **self.defaults,
                "depth": lineage.depth if lineage else 0,
                "members_left": lineage.members_left if lineage else None,
                "bytes_left": lineage.bytes_left if lineage else None,
                **inputs,
            }
        )


class Desk:
    """Hands out folders and children, and fetches what a child reads."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        borrow: Borrow,
        tell: Tell,
        lend_folder: LendFolder,
        courtesy: Courtesy,
        defaults: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        self.objects = objects
        self._borrow = borrow
        self._tell = tell
        self._lend_folder = lend_folder
        self._courtesy = courtesy
        self._defaults = defaults

    @asynccontextmanager
    async def run(self, lease: Lease, request: StageRequested) -> AsyncIterator[Run]:
        """Open a run: its folder is emptied at the end, and goes with this process."""
        async with self._lend_folder() as folder:
            yield Run(lease, request, folder, self._tell(lease), self._defaults)

    async def work(
        self,
        run: Run,
        task: StageTask,
        *,
        on_pages: OnPages | None = None,
        on_member: OnMember | None = None,
    ) -> StageResult:
        """Let a child do *task*; its progress becomes the run's ticks. Raises what it raises."""

        async def on_progress(progress: Progress) -> None:
            await run.progress.pages(progress.pages_done, progress.pages_total, progress.message)

        async with self._borrow() as sandbox:
            try:
                return await sandbox.run(
                    task,
                    on_progress=on_progress,
                    on_pages=on_pages,
                    on_member=on_member,
                    gives_way=self._courtesy.breaks if run.lease.bulky else None,
                )
            finally:
                run.lease.meter.peak_memory_bytes = sandbox.peak_bytes

    async def original(self, run: Run) -> tuple[Path, str]:
        """Fetch the document; return its file and the SHA-256 of what was read."""
        path = run.folder / "original"
        return path, await self._fetch(run, run.request.object_key, path)

    async def analysis(self, run: Run) -> Analysis:
        """Fetch what analyze left. Raises ObjectMissingError where it never ended."""
        key = run.lease.key
        name = artifacts.manifest_key(key.document_id, key.generation, "analyze")
        data = await self.objects.get(name)
        return await asyncio.to_thread(artifacts.load, Analysis, data)

    async def pages(self, run: Run) -> tuple[artifacts.ExtractManifest, tuple[Path, ...]]:
        """Fetch what extract left: its manifest, and the page batches as files in page order."""
        key = run.lease.key
        if run.request.inherits_from is not None:
            await inherit(self.objects, key, run.request.inherits_from)
        data = await self.objects.get(
            artifacts.manifest_key(key.document_id, key.generation, "extract")
        )
        manifest = artifacts.load(artifacts.ExtractManifest, data)
        paths = tuple(run.folder / f"{batch.first:07d}" for batch in manifest.batches)
        for batch, path in zip(manifest.batches, paths, strict=True):
            await self._fetch(run, batch.key, path)
        return manifest, paths

    def pace(self, lease: Lease) -> Pace | None:
        """Return what a long step of this run calls between its pieces; None where none has to."""
        return self._courtesy.pace() if lease.bulky else None

    async def _fetch(self, run: Run, key: str, path: Path) -> str:
        pace = self.pace(run.lease)
        if pace is None:
            return await self.objects.download(key, path)
        return await fetch_at_pace(self.objects, key, path, pace=pace)
