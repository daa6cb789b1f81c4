"""`/api/v1/dlq/groups` and `/api/v1/dlq/entries`: finding, understanding and settling entries."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from dlq_admin.api import models, views
from dlq_admin.api.access import Admin, Caller, Operator, deed, visible_owner
from dlq_admin.api.parameters import Cursor, IdempotencyKey, Limit, Where
from dlq_admin.api.requests import DiscardRequest, EditRequest
from dlq_admin.api.services import Services
from dlq_admin.domain.entries import UNRESOLVED


def routes(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1/dlq", tags=["dead letters"])
    reading = services.reading

    @router.get("/groups", summary="Failures of one cause together")
    async def groups(
        where: Where, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Page[models.GroupView]:
        """Without `state`, only what is unresolved counts."""
        meant = where if where.states else replace(where, states=UNRESOLVED)
        return await reading.groups(meant, cursor=cursor, limit=limit)

    @router.get("/entries", summary="Entries, the newest failure first")
    async def entries(
        where: Where, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Page[models.EntrySummary]:
        return await reading.entries(where, cursor=cursor, limit=limit)

    @router.get("/entries/{entry_id}", summary="All of an entry")
    async def entry(entry_id: UUID, caller: Caller) -> models.EntryDetail:
        """Show the record decoded and raw, the attempts, and the replays that took it."""
        return await reading.entry(
            entry_id, owner=visible_owner(caller), with_stack=caller.has("operator")
        )

    _add_actions(router, services)
    return router


def _add_actions(router: APIRouter, services: Services) -> None:
    reading = services.reading

    @router.post("/entries/{entry_id}/discard", summary="Give an entry up")
    async def discard(entry_id: UUID, body: DiscardRequest, caller: Operator) -> models.EntryDetail:
        done = deed(caller, "entry.discard", reason=body.reason, entry_id=str(entry_id))
        await services.entries.discard(entry_id, deed=done)
        return await reading.entry(entry_id, owner=None, with_stack=True)

    @router.post("/entries/{entry_id}/restore", summary="Open a discarded or parked entry")
    async def restore(entry_id: UUID, caller: Operator) -> models.EntryDetail:
        done = deed(caller, "entry.restore", entry_id=str(entry_id))
        await services.entries.restore(entry_id, deed=done)
        return await reading.entry(entry_id, owner=None, with_stack=True)

    @router.post(
        "/entries/{entry_id}/edit-and-replay",
        summary="Send a copy with another value",
        status_code=202,
    )
    async def edit_and_replay(
        entry_id: UUID,
        body: EditRequest,
        caller: Admin,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> models.ReplayView:
        """Give the copy a `ce_id` of its own; a header names the one it was made from."""
        done = deed(caller, "entry.edit_and_replay", reason=body.reason, entry_id=str(entry_id))
        row = await services.entries.edit_and_replay(
            entry_id, body.value, deed=done, idempotency_key=idempotency_key
        )
        response.headers["Location"] = f"/api/v1/dlq/replays/{row['id']}"
        return views.replay(row)


def short_routes(services: Services) -> APIRouter:
    """Return `/error-handling/failed-tasks`: the same entries under the short names."""
    router = APIRouter(prefix="/error-handling", tags=["error handling"])

    @router.get("/failed-tasks", summary="Entries, the newest failure first")
    async def failed_tasks(
        where: Where, cursor: Cursor = None, limit: Limit = 50
    ) -> models.Page[models.EntrySummary]:
        return await services.reading.entries(where, cursor=cursor, limit=limit)

    @router.get("/failed-tasks/{task_id}", summary="All of an entry")
    async def failed_task(task_id: UUID, caller: Caller) -> models.EntryDetail:
        return await services.reading.entry(
            task_id, owner=visible_owner(caller), with_stack=caller.has("operator")
        )

    @router.delete("/failed-tasks/{task_id}", summary="Give an entry up", status_code=204)
    async def discard(
        task_id: UUID,
        caller: Operator,
        reason: Annotated[models.Reason, Query()] = "deleted as a failed task",
    ) -> None:
        done = deed(caller, "entry.discard", reason=reason, entry_id=str(task_id))
        await services.entries.discard(task_id, deed=done)

    return router
