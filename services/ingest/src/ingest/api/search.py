"""Search by HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from docyard_common.analysis import DocumentType
from docyard_common.search import Hit, SearchQuery
from ingest.api.callers import Caller, Words
from ingest.api.links import API
from ingest.api.models import Highlight, SearchHit, SearchResults
from ingest.api.problems import refusals
from ingest.documents.searching import Searcher

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
    """The one route that searches."""

    def __init__(self, *, searcher: Searcher) -> None:
        self._searcher = searcher

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["search"])
        router.add_api_route(
            "/search", self.search, summary="Search the caller's documents", responses=refusals()
        )
        return router

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
