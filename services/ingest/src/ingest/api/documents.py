"""Documents by HTTP: lists, one, its facts, cancel and delete."""

from typing import Annotated

from fastapi import APIRouter, Query

from docyard_common.database import Database
from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, DocumentId, Limit
from ingest.api.links import API, LinkMaker
from ingest.api.list_query import ListQuery
from ingest.api.models import DocumentList, DocumentOut, DocumentStats, EventList, EventOut
from ingest.api.problems import refusals
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.queueing import Queueing
from ingest.tables import document_events, document_lists
from ingest.tables.document_lists import DocumentFilter


class DocumentRoutes:
    """Routes about rows: nothing here reads the object store."""

    def __init__(
        self, *, database: Database, lifecycle: Lifecycle, queueing: Queueing, links: LinkMaker
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._queueing = queueing
        self._links = links

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/documents", tags=["documents"])
        add, one = router.add_api_route, "/{document_id}"
        missing = refusals("DOCUMENT_NOT_FOUND")
        add("", self.listed, summary="List documents", responses=refusals("CURSOR_INVALID"))
        add("/stats", self.stats, summary="Count documents", responses=refusals())
        add(one, self.one, summary="Read one document", responses=missing)
        add(
            f"{one}/children",
            self.children,
            summary="List what was found inside a document",
            responses=refusals("DOCUMENT_NOT_FOUND", "CURSOR_INVALID"),
        )
        add(
            f"{one}/events",
            self.events,
            summary="Read a document's history",
            responses=refusals("DOCUMENT_NOT_FOUND", "CURSOR_INVALID"),
        )
        add(
            f"{one}/cancel",
            self.cancel,
            methods=["POST"],
            status_code=202,
            summary="Stop the work on a document",
            responses=refusals("DOCUMENT_NOT_FOUND", "ALREADY_TERMINAL"),
        )
        add(
            one,
            self.delete,
            methods=["DELETE"],
            status_code=204,
            summary="Erase a document",
            responses=missing,
        )
        return router

    async def listed(self, caller: Caller, narrowed: Annotated[ListQuery, Query()]) -> DocumentList:
        """Answer the caller's documents, newest first."""
        return await self._page(caller, narrowed.filter(), narrowed.cursor, narrowed.limit)

    async def children(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 50
    ) -> DocumentList:
        """Answer the attachments of a mail or the files of an archive: documents of their own."""
        await self._lifecycle.find(document_id, owner=caller.subject)
        return await self._page(caller, DocumentFilter(parent_id=document_id), cursor, limit)

    async def _page(
        self, caller: Caller, narrowed: DocumentFilter, cursor: str | None, limit: int
    ) -> DocumentList:
        before = None if cursor is None else cursors.read_id(cursor)
        async with self._database.transaction() as tx:
            found = await document_lists.page(
                tx, narrowed, owner=caller.subject, before=before, limit=limit + 1
            )
        shown = found[:limit]
        more = len(found) > limit
        return DocumentList(
            items=[DocumentOut.of(d, self._links.of(d.document_id)) for d in shown],
            next_cursor=cursors.write(str(shown[-1].document_id)) if more else None,
        )

    async def one(self, caller: Caller, document_id: DocumentId) -> DocumentOut:
        """Answer a document as the newest event that was applied left it."""
        document = await self._lifecycle.find(document_id, owner=caller.subject)
        shown = DocumentOut.of(document, self._links.of(document_id))
        if document.view.waits_for is None:
            return shown
        # A running stage tells for itself; for one that waits the queue does.
        return shown.model_copy(update={"eta_s": await self._queueing.expected(document)})

    async def events(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 100
    ) -> EventList:
        """Answer what has happened to the document, oldest first; page ticks are not kept."""
        after = (-1, "") if cursor is None else cursors.read_pair(cursor)
        await self._lifecycle.find(document_id, owner=caller.subject)
        async with self._database.transaction() as tx:
            rows = await document_events.page(tx, document_id, after=after, limit=limit + 1)
        shown = rows[:limit]
        more = len(rows) > limit
        return EventList(
            items=[EventOut(seq=r.seq, type=r.type, at=r.at, data=r.data) for r in shown],
            next_cursor=cursors.write(shown[-1].seq, shown[-1].type) if more else None,
        )

    async def stats(self, caller: Caller) -> DocumentStats:
        """Answer how many documents and bytes the caller has, by state and type."""
        async with self._database.transaction() as tx:
            rows = await document_lists.stats(tx, owner=caller.subject)
        by_state: dict[str, int] = {}
        by_type: dict[str, int] = {}
        for row in rows:
            by_state[row.state] = by_state.get(row.state, 0) + row.documents
            by_type[row.content_type] = by_type.get(row.content_type, 0) + row.documents
        return DocumentStats(
            total=sum(row.documents for row in rows),
            size_bytes=sum(row.size_bytes for row in rows),
            by_state=by_state,
            by_content_type=by_type,
        )

    async def cancel(self, caller: Caller, document_id: DocumentId) -> DocumentOut:
        """Ask for the end of all work. 202: the state follows once the work has ended.

        Asking again is fine. A document that has ended in another way, and with it all that was
        found inside, answers 409; of one with files that are still to become documents, none will.
        """
        document = await self._lifecycle.cancel(document_id, owner=caller.subject)
        return DocumentOut.of(document, self._links.of(document_id))

    async def delete(self, caller: Caller, document_id: DocumentId) -> None:
        """Erase the document: its row, bytes, artifacts, index entries and history.

        It is invisible from the answer on. Deleting it again answers 204 for a week.
        """
        await self._lifecycle.delete(document_id, owner=caller.subject)
