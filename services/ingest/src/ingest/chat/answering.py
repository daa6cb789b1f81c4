"""Makes the answer to a question about a document that is processed."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from docyard_common.errors import DependencyUnavailableError
from docyard_common.search import Hit, SearchQuery
from ingest.chat.model import LanguageModel, Passage
from ingest.document import Document
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.searching import Searcher
from ingest.errors import NotAvailableError, NotReadyError
from ingest.tables.chat_jobs import ChatQuestion

logger = logging.getLogger(__name__)

_MOST_PASSAGES: Final = 5
_MOST_PAGES: Final = 3
_QUERY_CHARACTERS: Final = 1000
_SUMMARISE: Final = "What is in this document? Summarise it."
_BEGINNING_CHARACTERS: Final = 20_000


@dataclass(frozen=True)
class ChatAnswer:
    """A text with the passages it was made from; *model* is None for the plain method."""

    text: str
    passages: tuple[Passage, ...]
    model: str | None

    def stored(self) -> dict[str, Any]:
        """Return the answer as JSON data."""
        return {
            "text": self.text,
            "model": self.model,
            "passages": [vars(passage) for passage in self.passages],
        }


class Answerer:
    """Finds the passages, and writes the answer with a language model where there is one."""

    def __init__(
        self, *, reader: ArtifactReader, searcher: Searcher, model: LanguageModel | None
    ) -> None:
        self._reader = reader
        self._searcher = searcher
        self._model = model

    async def answer(
        self, document: Document, references: Sequence[Document], question: ChatQuestion
    ) -> ChatAnswer:
        """Return the answer from *document* and *references*, all of one owner.

        With the model away, or none configured, it is the summary and the passages themselves.
        Raises DependencyUnavailableError when the store or the index is away.
        """
        summary = await self._summary(document)
        asked = {each.document_id: each for each in (document, *references)}
        passages = await self._passages(asked, question.message)
        if self._model is not None:
            told = await self._widened(asked, passages) or await self._beginning(document)
            try:
                text = await self._model.answer(question.message or _SUMMARISE, told)
                return ChatAnswer(text, tuple(passages), self._model.name)
            except DependencyUnavailableError as error:
                logger.warning("chat.model_away", extra={"error": str(error)})
        return ChatAnswer(plain(summary, question.message, passages), tuple(passages), None)

    async def _summary(self, document: Document) -> str:
        try:
            return (await self._reader.required_analysis(document)).summary.strip()
        except (NotAvailableError, NotReadyError):
            return ""

    async def _passages(self, asked: Mapping[UUID, Document], message: str | None) -> list[Passage]:
        """Return the best passages of all *asked* documents."""
        if not message:
            return []
        found = await asyncio.gather(
            *(self._searcher.search(_query(document, message)) for document in asked.values())
        )
        hits = sorted((hit for hits in found for hit in hits), key=lambda hit: -hit.score)
        return [_passage(hit) for hit in hits[:_MOST_PASSAGES]]

    async def _widened(
        self, asked: Mapping[UUID, Document], passages: Sequence[Passage]
    ) -> list[Passage]:
        """Return the pages that *passages* stand on: a model reads more than a snippet."""
        told = []
        for passage in passages:
            count = min(passage.page_last - passage.page_first + 1, _MOST_PAGES)
            read = await self._reader.pages(
                asked[UUID(passage.document_id)], first=passage.page_first, limit=count
            )
            text = "\n\n".join(page.text for page in read.pages)
            told.append(replace(passage, text=text or passage.text))
        return told

    async def _beginning(self, document: Document) -> list[Passage]:
        """Return the first pages as passages: enough to say what the document is about."""
        pages = (await self._reader.pages(document, first=1, limit=10)).pages
        told, left = [], _BEGINNING_CHARACTERS
        for page in pages:
            if left <= 0:
                break
            told.append(
                Passage(
                    str(document.document_id),
                    document.filename,
                    page.number,
                    page.number,
                    page.text[:left],
                )
            )
            left -= len(page.text)
        return told


def _query(document: Document, message: str) -> SearchQuery:
    return SearchQuery(
        owner=document.view.owner,
        text=message[:_QUERY_CHARACTERS],
        mode="hybrid",
        limit=_MOST_PASSAGES,
        document_id=document.document_id,
    )


def plain(summary: str, message: str | None, passages: Sequence[Passage]) -> str:
    """Return the answer that needs no model: the summary, then what answers *message*."""
    parts = [summary or "The document holds no text that could be summarised."]
    if message:
        parts.append(_quoted(passages))
    return "\n\n".join(parts)


def _quoted(passages: Sequence[Passage]) -> str:
    if not passages:
        return "No passage answers the question."
    lines = [f"- {p.filename}, {_pages(p)}: {' '.join(p.text.split())}" for p in passages]
    return "\n".join(["Passages that answer the question:", *lines])


def _pages(passage: Passage) -> str:
    if passage.page_first == passage.page_last:
        return f"page {passage.page_first}"
    return f"pages {passage.page_first}-{passage.page_last}"


def _passage(hit: Hit) -> Passage:
    return Passage(str(hit.document_id), hit.filename, hit.page_first, hit.page_last, hit.snippet)
