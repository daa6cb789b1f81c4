"""Chat uploads as their owners see them: how far the document is, and the answer once it is there.

The answer is made when somebody first asks for it after the document is processed. Whoever makes it
holds a lease: a kill -9 costs the time until it ends, then the next poll makes the answer.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import DocumentState
from ingest.chat.answering import Answerer
from ingest.document import Document
from ingest.documents.lifecycle import Lifecycle
from ingest.errors import ChatJobNotFoundError, DocumentNotFoundError
from ingest.tables import chat_jobs
from ingest.tables.chat_jobs import ChatQuestion

logger = logging.getLogger(__name__)

_WAIT_S: Final = 1.0
"""A poll waits this long for the answer: most need no second one."""


@dataclass(frozen=True)
class ChatStatus:
    """A document with what was answered about it."""

    document: Document
    answer: dict[str, Any] | None


class ChatJobs:
    """Reads jobs and has them answered. Safe to share between tasks."""

    def __init__(
        self,
        *,
        database: Database,
        lifecycle: Lifecycle,
        answerer: Answerer,
        clock: Clock,
        longest_answer_s: float,
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._answerer = answerer
        self._clock = clock
        self._lease = timedelta(seconds=longest_answer_s)
        self._answering: set[asyncio.Task[None]] = set()

    async def status(self, job_id: UUID, *, owner: str) -> ChatStatus:
        """Return where the job is. Raises ChatJobNotFoundError or DependencyUnavailableError."""
        document, job = await self._found(job_id, owner)
        if document.view.state is DocumentState.COMPLETED and job.answer is None:
            await self._have_answered(document, job.question)
            document, job = await self._found(job_id, owner)
        return ChatStatus(document, job.answer)

    async def require_references(self, references: tuple[UUID, ...], *, owner: str) -> None:
        """Raise DocumentNotFoundError unless all *references* are documents of *owner*."""
        found = await self._lifecycle.visible(references, owner=owner)
        missing = [each for each in references if each not in found]
        if missing:
            raise DocumentNotFoundError(
                f"There is no document {missing[0]} to refer to.", field="references"
            )

    async def close(self) -> None:
        """Give up what is being answered; a later poll makes it."""
        for task in self._answering:
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _found(self, job_id: UUID, owner: str) -> tuple[Document, chat_jobs.ChatJob]:
        try:
            document = await self._lifecycle.find(job_id, owner=owner)
        except DocumentNotFoundError as error:
            raise ChatJobNotFoundError("There is no such chat upload.") from error
        async with self._database.transaction() as tx:
            job = await chat_jobs.find(tx, job_id)
        if job is None:
            raise ChatJobNotFoundError("There is no such chat upload.")
        return document, job

    async def _have_answered(self, document: Document, question: ChatQuestion) -> None:
        """Begin to answer unless somebody does already, and wait a moment for it."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            until = now + self._lease
            if not await chat_jobs.claim(tx, document.document_id, now=now, until=until):
                return
        task = asyncio.create_task(self._answer(document, question))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        await asyncio.wait({task}, timeout=_WAIT_S)

    async def _answer(self, document: Document, question: ChatQuestion) -> None:
        owner = document.view.owner
        try:
            references = await self._lifecycle.visible(question.references, owner=owner)
            answer = await self._answerer.answer(document, list(references.values()), question)
            async with self._database.transaction() as tx:
                await chat_jobs.save(tx, document.document_id, answer.stored())
        except DependencyUnavailableError as error:
            logger.warning("chat.answer_postponed", extra={"error": str(error)})
        except Exception:
            # Nobody awaits this task; the lease ends and a later poll tries again.
            logger.exception("chat.answer_failed")
