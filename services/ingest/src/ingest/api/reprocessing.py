"""Documents once more, by HTTP: one by its id, many by a filter."""

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from docyard_common.auth import Principal
from docyard_common.events.stages import Priority, Stage
from docyard_common.http import Problem
from ingest.api import cursors
from ingest.api.bulk_models import (
    BulkCancel,
    BulkOperationList,
    BulkOperationOut,
    BulkPreviewOut,
    BulkReprocess,
    BulkRequest,
)
from ingest.api.callers import Caller, Cursor, DocumentId, IdempotencyKey, Limit, checked_key
from ingest.api.links import API, LinkMaker
from ingest.api.models import DocumentOut
from ingest.api.problems import refusals
from ingest.document import IdempotencyClaim
from ingest.documents.bulk import BulkKind, BulkOperations, BulkOrder
from ingest.documents.reprocessing import Reprocessing, Wish
from ingest.uploads.reception import fingerprint

_KEY_REFUSALS: Final = ("IDEMPOTENCY_KEY_INVALID", "IDEMPOTENCY_KEY_REUSED")
_OperationId = Annotated[UUID, Path(description="As the order answered it.")]


class ReprocessRequest(BaseModel):
    """How the document is processed again; an empty body does all of it anew."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_stage: Stage = Stage.VALIDATE
    priority: Priority | None = None


class ReprocessingRoutes:
    """Routes that begin further generations, and end work by filter."""

    def __init__(
        self, *, reprocessing: Reprocessing, operations: BulkOperations, links: LinkMaker
    ) -> None:
        self._reprocessing = reprocessing
        self._operations = operations
        self._links = links

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/documents", tags=["reprocessing"])
        add, one = router.add_api_route, "/bulk/{operation_id}"
        post, missing = ["POST"], refusals("BULK_OPERATION_NOT_FOUND")
        over = refusals("BULK_OPERATION_NOT_FOUND", "BULK_OPERATION_OVER")
        add(
            "/cancel",
            self.cancel_many,
            methods=post,
            status_code=202,
            summary="Stop the work on many",
            responses=refusals(*_KEY_REFUSALS),
        )
        add(
            "/reprocess",
            self.reprocess_many,
            methods=post,
            status_code=202,
            summary="Process many once more",
            responses=refusals(*_KEY_REFUSALS),
        )
        add("/bulk", self.listed, summary="List operations", responses=refusals("CURSOR_INVALID"))
        add(one, self.one, summary="Read how far an operation is", responses=missing)
        add(f"{one}/pause", self.pause, methods=post, summary="Pause", responses=over)
        add(f"{one}/resume", self.resume, methods=post, summary="Go on", responses=over)
        add(f"{one}/cancel", self.cancel, methods=post, summary="End early", responses=over)
        add(
            "/{document_id}/reprocess",
            self.reprocess,
            methods=post,
            status_code=202,
            summary="Process a document once more",
            responses=refusals(
                "DOCUMENT_NOT_FOUND",
                "DOCUMENT_IN_WORK",
                "STAGE_NOT_REACHED",
                "REPROCESSED_TOO_OFTEN",
                "ORIGINAL_REMOVED",
                *_KEY_REFUSALS,
            ),
        )
        return router

    async def reprocess(
        self,
        caller: Caller,
        document_id: DocumentId,
        wanted: Annotated[ReprocessRequest | None, Body()] = None,
        idempotency_key: IdempotencyKey = None,
    ) -> DocumentOut:
        """Begin the document's next generation. 202: it is queued.

        Text, pages and search answer the earlier result until the new one is whole; it is kept
        when the new one fails or is cancelled. `from_stage` takes over what the stages before it
        have left. A document in work answers 409: cancel it first.
        """
        wanted = wanted or ReprocessRequest()
        wish = Wish(caller.subject, wanted.from_stage, wanted.priority)
        said = {"document_id": document_id, **wanted.model_dump(mode="json")}
        claim = _claim(caller, "reprocess", said, idempotency_key)
        document = await self._reprocessing.reprocess(
            document_id, wish, owner=caller.subject, claim=claim
        )
        return DocumentOut.of(document, self._links.of(document_id))

    async def cancel_many(
        self,
        caller: Caller,
        response: Response,
        wanted: BulkCancel,
        idempotency_key: IdempotencyKey = None,
    ) -> BulkOperationOut | BulkPreviewOut:
        """Cancel every document of a filter that is in work; `dry_run` only counts (200)."""
        order = _order(caller, wanted, BulkKind.CANCEL)
        return await self._placed(order, caller, response, wanted, idempotency_key)

    async def reprocess_many(
        self,
        caller: Caller,
        response: Response,
        wanted: BulkReprocess,
        idempotency_key: IdempotencyKey = None,
    ) -> BulkOperationOut | BulkPreviewOut:
        """Reprocess every document of a filter that has ended; `dry_run` only counts (200).

        They are begun at `rate_per_s`, with at most `max_in_work` of them unfinished at once, in
        the lane `low` unless told otherwise: people's uploads go first.
        """
        order = _order(caller, wanted, BulkKind.REPROCESS)
        return await self._placed(order, caller, response, wanted, idempotency_key)

    async def listed(
        self, caller: Caller, cursor: Cursor = None, limit: Annotated[Limit, Query()] = 50
    ) -> BulkOperationList:
        """Answer the caller's operations, newest first."""
        before = None if cursor is None else cursors.read_id(cursor)
        rows = await self._operations.page(caller.subject, before=before, limit=limit + 1)
        more = len(rows) > limit
        return BulkOperationList(
            items=[BulkOperationOut.of(row) for row in rows[:limit]],
            next_cursor=cursors.write(str(rows[limit - 1]["id"])) if more else None,
        )

    async def one(self, caller: Caller, operation_id: _OperationId) -> BulkOperationOut:
        """Answer how far the operation is."""
        row, in_work = await self._operations.find(operation_id, actor=caller.subject)
        return BulkOperationOut.of(row, in_work=in_work)

    async def pause(self, caller: Caller, operation_id: _OperationId) -> BulkOperationOut:
        """Begin no further documents until it is resumed."""
        return await self._change(caller, operation_id, "paused")

    async def resume(self, caller: Caller, operation_id: _OperationId) -> BulkOperationOut:
        """Go on where it was paused."""
        return await self._change(caller, operation_id, "pending")

    async def cancel(self, caller: Caller, operation_id: _OperationId) -> BulkOperationOut:
        """End the operation; documents it has begun go on."""
        return await self._change(caller, operation_id, "cancelled")

    async def _change(self, caller: Principal, operation_id: UUID, status: str) -> BulkOperationOut:
        row = await self._operations.change(operation_id, status, actor=caller.subject)
        return BulkOperationOut.of(row)

    async def _placed(
        self,
        order: BulkOrder,
        caller: Principal,
        response: Response,
        wanted: BulkRequest,
        key: str | None,
    ) -> BulkOperationOut | BulkPreviewOut:
        claim = _claim(caller, f"bulk/{order.kind}", wanted.model_dump(mode="json"), key)
        if wanted.dry_run:
            response.status_code = 200
            return BulkPreviewOut.of(await self._operations.preview(order))
        row = await self._operations.place(order, claim=claim)
        response.headers["Location"] = f"{API}/documents/bulk/{row['id']}"
        return BulkOperationOut.of(row)


def _order(caller: Principal, wanted: BulkRequest, kind: BulkKind) -> BulkOrder:
    if wanted.all_owners and not caller.has("operator"):
        raise Problem(403, "ROLE_REQUIRED", "all_owners needs the role operator.", role="operator")
    reprocess = wanted if isinstance(wanted, BulkReprocess) else BulkReprocess(all=True)
    return BulkOrder(
        kind=kind,
        actor=caller.subject,
        owner=None if wanted.all_owners else caller.subject,
        narrowed=wanted.filter.narrowed(),
        selector=wanted.filter.model_dump(mode="json", exclude_defaults=True),
        max_documents=wanted.max,
        rate_per_s=wanted.rate_per_s,
        max_in_work=reprocess.max_in_work,
        reason=wanted.reason,
        from_stage=reprocess.from_stage,
        priority=reprocess.priority,
    )


def _claim(
    caller: Principal, route: str, said: Mapping[str, object], key: str | None
) -> IdempotencyClaim | None:
    if (key := checked_key(key)) is None:
        return None
    return IdempotencyClaim(caller.subject, route, key, fingerprint(said))
