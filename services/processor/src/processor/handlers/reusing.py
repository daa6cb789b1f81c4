"""Takes over the result of an equal document, copied inside the store."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from docyard_common import artifacts
from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest
from docyard_common.database import Database
from docyard_common.delivery.outcome import Done, Reuse
from docyard_common.errors import DocyardError, ObjectMissingError
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageRequested
from docyard_common.observability import metrics
from docyard_common.storage.port import ObjectStore
from docyard_common.work.model import Lease, WorkKey
from processor.handlers import analyze, extract
from processor.reuse import results
from processor.reuse.recipe import REUSE, Recipes
from processor.reuse.results import Result

logger = logging.getLogger(__name__)

_Artifact = TypeVar("_Artifact", ExtractManifest, Analysis)
_AT_ONCE: Final = 4
"""Objects that the store copies side by side."""


class Reusing:
    """Looks for an equal result when a document is processed for the first time."""

    def __init__(
        self, *, database: Database, objects: ObjectStore, recipes: Recipes, enabled: bool
    ) -> None:
        self._database = database
        self._objects = objects
        self._recipes = recipes
        self._enabled = enabled

    async def find(self, lease: Lease, request: StageRequested) -> Done | None:
        """Take over what extract and analyze have made of an equal document of the same owner.

        None where there is none, or where it goes away meanwhile: then the work is done as always.
        Manifests are written last: a kill -9 leaves nothing that is read, and the next run copies
        again. Raises DependencyUnavailableError.
        """
        if not self._wanted(lease, request):
            return None
        async with self._database.autocommit() as tx:
            found = await results.equal(tx, request, self._recipes.write(request))
        for result in found:
            try:
                done = await self._take(lease.key, request, result)
            except (ObjectMissingError, ValueError) as error:
                metrics.RESULTS_REUSED.labels("lost").inc()
                logger.info("result.lost", extra={"error": str(error)})
                continue
            metrics.RESULTS_REUSED.labels("taken" if done else "container").inc()
            return done
        return None

    def _wanted(self, lease: Lease, request: StageRequested) -> bool:
        # Who asks for a further generation wants the work to be done.
        return (
            self._enabled
            and lease.key.generation == 1
            and lease.attempt == 1
            and request.options.get(REUSE) is not False
        )

    async def _take(self, key: WorkKey, request: StageRequested, result: Result) -> Done | None:
        """Copy *result*. Raises ObjectMissingError or ValueError where it is not whole any more."""
        source = WorkKey(result.document_id, result.generation, Stage.EXTRACT)
        data = await self._objects.get(_manifest_key(source, Stage.EXTRACT))
        if artifacts.load(ExtractManifest, data).members_key is not None:
            # Its files went when they became documents: it is unfolded again, for documents
            # of its own, and each of those finds its equal.
            return None
        await self._require_same_bytes(request, result)
        manifest = await self._copy(ExtractManifest, source, key, Stage.EXTRACT)
        analysis = await self._copy(Analysis, source, key, Stage.ANALYZE)
        extracted = extract.done(manifest)
        analyzed = analyze.done(analysis, manifest.page_count)
        return replace(
            extracted,
            language=analyzed.language,
            document_type=analyzed.document_type,
            results={"content_type": manifest.media_type, "page_count": manifest.page_count},
            reuse=Reuse(
                result.document_id, ((Stage.EXTRACT, extracted), (Stage.ANALYZE, analyzed))
            ),
        )

    async def _require_same_bytes(self, request: StageRequested, result: Result) -> None:
        """Hold own bytes to what was accepted, as validate does; shared ones have been."""
        if request.object_key == result.object_key:
            return
        digest = await self._objects.digest(request.object_key, head_bytes=0)
        if digest.sha256 != request.sha256:
            raise ValueError("the stored bytes are not those that were accepted")

    async def _copy(
        self, kind: type[_Artifact], source: WorkKey, target: WorkKey, stage: Stage
    ) -> _Artifact:
        """Copy what the manifest of *stage* names, then itself; return what lies there now."""
        old = artifacts.stage_prefix(source.document_id, source.generation, stage)
        new = artifacts.stage_prefix(target.document_id, target.generation, stage)
        data = await self._objects.get(_manifest_key(source, stage))
        named = _strings(artifacts.load(kind, data).model_dump(mode="json"), beginning=old)
        await self._copy_objects({name: new + name.removeprefix(old) for name in named})
        manifest_key = _manifest_key(target, stage)
        written = artifacts.rekeyed(data, old_prefix=old, new_prefix=new)
        if not await self._objects.put_new(manifest_key, written):
            written = await self._objects.get(manifest_key)
        return artifacts.load(kind, written)

    async def _copy_objects(self, targets: Mapping[str, str]) -> None:
        """After the first that fails none begins; those under way end before it is raised.

        A request to the store can not be called back: it would write into what comes next.
        """
        left, failed = iter(targets.items()), list[DocyardError]()

        async def copy_on() -> None:
            for name, target in left:
                try:
                    await self._objects.copy(name, target)
                except DocyardError as error:
                    failed.append(error)
                if failed:
                    return

        await asyncio.gather(*(copy_on() for _ in range(_AT_ONCE)))
        if failed:
            raise failed[0]


def _manifest_key(key: WorkKey, stage: Stage) -> str:
    return artifacts.manifest_key(key.document_id, key.generation, stage)


def _strings(value: Any, *, beginning: str) -> Iterator[str]:
    """Yield the keys that an artifact names, wherever it does."""
    match value:
        case str() if value.startswith(beginning):
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each, beginning=beginning)
        case list():
            for each in value:
                yield from _strings(each, beginning=beginning)
        case _:
            pass
