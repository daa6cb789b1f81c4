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
        self._given_up = list[UUID]()  # until the next start

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
        """Go on until nothing is left. Raises DependencyUnavailableError."""
        while found := await self._index.outdated(limit=_DOCUMENTS, without=self._given_up):
            await self._measure()
            for document in found:
                await self._document(document)
        await self._measure()

    async def _measure(self) -> None:
        metrics.OUTDATED_DOCUMENTS.set(await self._index.count_outdated())

    async def _document(self, document: Outdated) -> None:
        try:
            while chunks := await self._index.outdated_chunks(document, limit=_CHUNKS):
                await self._load.quiet(within_s=_PATIENCE_S)
                embeddings = await self._embed([chunk.text for chunk in chunks])
                ordinals = [chunk.ordinal for chunk in chunks]
                await self._index.embed_again(
                    document, dict(zip(ordinals, embeddings, strict=True))
                )
                metrics.REEMBEDDED_CHUNKS.inc(len(chunks))
            # One without chunks is up to date, too.
            await self._index.embed_again(document, {})
        except DependencyUnavailableError:
            raise
        except DocyardError as error:
            self._given_up.append(document.document_id)
            told = {"document_id": str(document.document_id), "error": str(error)}
            logger.warning("reembedding.given_up", extra=told)

    async def _embed(self, texts: list[str]) -> list[tuple[float, ...]]:
        """Let a child embed *texts*. Raises what a run of it raises."""
        async with self._lend_folder() as folder, self._borrow() as sandbox:
            path = folder / "texts"
            await asyncio.to_thread(path.write_bytes, _TEXTS.dump_json(texts))
            result = await sandbox.run(
                _task(path), on_progress=_unheard, gives_way=self._courtesy.breaks
            )
        assert isinstance(result, Indexed)  # noqa: S101 - the answer to an index task
        return [tuple(chunk.embedding) for chunk in result.chunks]


def _task(texts: Path) -> StageTask:
    return StageTask(
        stage=Stage.INDEX, filename="", content_type=None, size_bytes=0, sha256="", texts=texts
    )


async def _unheard(progress: Progress) -> None:
    """Nobody waits for a document that can be found already."""
