"""Embeds again what another model embedded, while there is nothing better to do.

Searches by words miss nothing meanwhile; those by meaning find each chunk again as it is done.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter

from docyard_common.database import Database, alone
from docyard_common.errors import DependencyUnavailableError, DocyardError
from docyard_common.events.stages import Stage
from docyard_common.observability import metrics
from docyard_common.search import Outdated, SearchIndex
from processor.courtesy import Courtesy
from processor.load import Load
from processor.sandbox.errors import ChildError
from processor.sandbox.sandbox import Sandbox
from processor.stages.task import Indexed, Progress, StageTask

logger = logging.getLogger(__name__)

_TEXTS: Final = TypeAdapter(list[str])
_DUTY: Final = "search:embeddings"
_DOCUMENTS: Final = 100
_CHUNKS: Final = 512
"""Of one document at once: half a second of a child, and a transaction of half a mebibyte."""
_INTERVAL_S: Final = 60.0
_PATIENCE_S: Final = 30.0
"""A machine that is always busy gives way now and then: the work is to end some day."""
_ATTEMPTS: Final = 3
"""Each in a round of its own: what hurt one of them has a minute to pass."""
_REMEMBERED: Final = 10_000
"""Documents that failed. Where there are more, it is not they that are to blame."""


class Reembedder:
    """Runs in every replica; one of them works, and another goes on when that one dies.

    A kill -9 loses the chunks in hand alone: what is left is found again by its model.
    """

    def __init__(
        self,
        *,
        index: SearchIndex,
        database: Database,
        borrow: Callable[[], AbstractAsyncContextManager[Sandbox]],
        lend_folder: Callable[[], AbstractAsyncContextManager[Path]],
        load: Load,
        courtesy: Courtesy,
    ) -> None:
        self._index = index
        self._database = database
        self._borrow = borrow
        self._lend_folder = lend_folder
        self._load = load
        self._courtesy = courtesy
        self._failures = dict[UUID, int]()  # until the next start

    async def run(self) -> None:
        """Look once a minute, until cancelled."""
        while True:
            try:
                async with alone(self._database, _DUTY) as is_mine:
                    if is_mine:
                        await self.round()
            except DependencyUnavailableError as error:
                logger.warning("reembedding.waiting", extra={"error": str(error)})
            await asyncio.sleep(_INTERVAL_S)

    async def round(self) -> None:
        """Go on until nothing is left but what fails. Raises DependencyUnavailableError."""
        left = {one for one, failures in self._failures.items() if failures >= _ATTEMPTS}
        while found := await self._index.outdated(limit=_DOCUMENTS, without=left):
            await self._measure()
            for document in found:
                if len(left) >= _REMEMBERED:
                    return
                if not await self._succeeds(document):
                    left.add(document.document_id)
        await self._measure()

    async def _measure(self) -> None:
        metrics.OUTDATED_DOCUMENTS.set(await self._index.count_outdated())

    async def _succeeds(self, document: Outdated) -> bool:
        """Embed *document* again, or say that it failed. Raises DependencyUnavailableError."""
        try:
            await self._document(document)
        except DependencyUnavailableError:
            raise
        except DocyardError as error:
            self._count(document, error)
            return False
        self._failures.pop(document.document_id, None)
        return True

    async def _document(self, document: Outdated) -> None:
        while chunks := await self._index.outdated_chunks(document, limit=_CHUNKS):
            await self._load.quiet(within_s=_PATIENCE_S)
            embeddings = await self._embed([chunk.text for chunk in chunks])
            ordinals = [chunk.ordinal for chunk in chunks]
            await self._index.embed_again(document, dict(zip(ordinals, embeddings, strict=True)))
            metrics.REEMBEDDED_CHUNKS.inc(len(chunks))
        # One without chunks is up to date, too.
        await self._index.embed_again(document, {})

    def _count(self, document: Outdated, error: DocyardError) -> None:
        failures = self._failures.pop(document.document_id, 0) + 1
        self._failures[document.document_id] = failures
        if len(self._failures) > _REMEMBERED:
            del self._failures[next(iter(self._failures))]
        told = {"document_id": str(document.document_id), "error": str(error)}
        if failures >= _ATTEMPTS:
            logger.warning("reembedding.given_up", extra=told)
        else:
            logger.warning("reembedding.failed", extra=told | {"attempt": failures})

    async def _embed(self, texts: list[str]) -> list[tuple[float, ...]]:
        """Let a child embed *texts*. Raises what a run of it raises."""
        async with self._borrow() as sandbox:
            await _have_child(sandbox)
            # Not before: folders go with the fork server that a child is asked of.
            async with self._lend_folder() as folder:
                path = folder / "texts"
                await asyncio.to_thread(path.write_bytes, _TEXTS.dump_json(texts))
                result = await sandbox.run(
                    _task(path), on_progress=_unheard, gives_way=self._courtesy.breaks
                )
        assert isinstance(result, Indexed)  # noqa: S101 - the answer to an index task
        return [tuple(chunk.embedding) for chunk in result.chunks]


async def _have_child(sandbox: Sandbox) -> None:
    """Have a child that has seen no document. Raises DependencyUnavailableError without one."""
    try:
        await sandbox.start()
    except (ChildError, OSError) as error:
        raise DependencyUnavailableError("sandbox", str(error) or type(error).__name__) from error


def _task(texts: Path) -> StageTask:
    return StageTask(
        stage=Stage.INDEX, filename="", content_type=None, size_bytes=0, sha256="", texts=texts
    )


async def _unheard(progress: Progress) -> None:
    """Nobody waits for a document that can be found already."""
