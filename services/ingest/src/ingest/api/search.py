"""Search by HTTP."""

from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from docyard_common.analysis import DocumentType
from docyard_common.search import Hit, SearchQuery
from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, DocumentId, Limit, Words
from ingest.api.content_models import ChunkList, ChunkOut, Highlight, SearchHit, SearchResults
from ingest.api.links import API
from ingest.api.problems import refusals
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.searching import Searcher

_LAST_ORDINAL: Final = 2**31 - 1

_Text = Annotated[
    str,
    Query(
        min_length=1,
        max_length=1000,
        pattern=r"^[^\x00]*[^\x00\s][^\x00]*$",  # PostgreSQL refuses the character zero
        examples=["termination clause"],
    ),
]


class SearchRoutes:
    """The route that searches, and the one that reads what it searches in."""

    def __init__(self, *, searcher: Searcher, lifecycle: Lifecycle) -> None:
        self._searcher = searcher
        self._lifecycle = lifecycle

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["search"])
        router.add_api_route(
            "/search", self.search, summary="Search the caller's documents", responses=refusals()
        )
        router.add_api_route(
            "/documents/{document_id}/chunks",
            self.chunks,
            summary="Read the passages that searches find",
            responses=refusals(
                "DOCUMENT_NOT_FOUND", "NOT_READY", "NOT_AVAILABLE", "CURSOR_INVALID"
            ),
        )
        return router

    async def chunks(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 100
    ) -> ChunkList:
        """Answer passages in reading order, with pages and the places on them."""
        first = 0 if cursor is None else min(cursors.read_number(cursor), _LAST_ORDINAL)
        document = await self._lifecycle.find(document_id, owner=caller.subject)
        found = await self._searcher.chunks(document, first=first, limit=limit + 1)
        return ChunkList(
            items=[ChunkOut(**vars(chunk)) for chunk in found[:limit]],
            next_cursor=cursors.write(found[limit].ordinal) if len(found) > limit else None,
        )

    async def search(  # noqa: PLR0913 - each a parameter of the query
        self,
        caller: Caller,
        *,
        q: _Text,
        mode: Literal["hybrid", "text", "semantic"] = "hybrid",
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
        document_id: UUID | None = None,
        language: Annotated[str | None, Query(pattern="^[a-z]{2,3}$")] = None,
        content_type: Words = None,
        document_type: DocumentType | None = None,
    ) -> SearchResults:
        """Answer passages with page numbers, the best first.

        `text` finds words, `semantic` finds meaning, `hybrid` ranks by both.
        """
        query = SearchQuery(
            owner=caller.subject,
            text=q,
            mode=mode,
            limit=limit,
            document_id=document_id,
            language=language,
            content_type=content_type,
            document_type=document_type,
        )
        hits = await self._searcher.search(query)
        return SearchResults(query=q, mode=mode, items=[_shown(hit) for hit in hits])


def _shown(hit: Hit) -> SearchHit:
    return SearchHit(
        document_id=hit.document_id,
        filename=hit.filename,
        page_first=hit.page_first,
        page_last=hit.page_last,
        score=hit.score,
        snippet=hit.snippet,
        highlights=[Highlight(start=start, end=end) for start, end in hit.highlights],
    )
