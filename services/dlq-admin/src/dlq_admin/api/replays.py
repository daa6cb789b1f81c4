"""`/api/v1/dlq/replays`: replays as resources."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from dlq_admin.api import models, views
from dlq_admin.api.access import Operator, deed, request_id
from dlq_admin.api.parameters import Cursor, IdempotencyKey, Limit
from dlq_admin.api.requests import DEFAULT_RATE_PER_S, ReplayRequest, RetryTasks
from dlq_admin.api.services import Services
from dlq_admin.domain.replays import ReplayOrder, ReplayStatus, Selection
from docyard_common.auth import Principal

_SINGLE = "asked for by id"
"""Reason of a replay of one entry, which needs none."""


def routes(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1/dlq/replays", tags=["replays"])

    @router.post("", summary="Send entries back to work", status_code=202)
    async def place(
        body: ReplayRequest,
        caller: Operator,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> models.ReplayView:
        """Fix what is replayed now: what fails later is not meant.

        A dry run moves nothing and is completed at once: read `preview`.
        """
        order = _order(body, caller, idempotency_key)
        return await _placed(services, order, response)

    @router.get("", summary="Replays, the newest first")
    async def replays(
        caller: Operator,
        status: Annotated[ReplayStatus | None, Query()] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> models.Page[models.ReplayView]:
        del caller
        return await services.reading.replays(status=status, cursor=cursor, limit=limit)

    @router.get("/{replay_id}", summary="How far a replay is")
    async def replay(replay_id: UUID, caller: Operator) -> models.ReplayView:
        del caller
        return await services.reading.replay(replay_id)

    @router.get("/{replay_id}/items", summary="What became of each entry")
    async def items(
        replay_id: UUID,
        caller: Operator,
        outcome: Annotated[Literal["waiting", "moved", "skipped", "failed"] | None, Query()] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> models.Page[models.ReplayItemView]:
        del caller
        return await services.reading.replay_items(
            replay_id, outcome=outcome, cursor=cursor, limit=limit
        )

    _add_actions(router, services)
    return router


def _add_actions(router: APIRouter, services: Services) -> None:
    orders = services.orders

    @router.post("/{replay_id}/pause", summary="Stop until resumed")
    async def pause(replay_id: UUID, caller: Operator) -> models.ReplayView:
        done = deed(caller, "replay.pause", replay_id=str(replay_id))
        return views.replay(await orders.pause(replay_id, deed=done))

    @router.post("/{replay_id}/resume", summary="Go on")
    async def resume(replay_id: UUID, caller: Operator) -> models.ReplayView:
        done = deed(caller, "replay.resume", replay_id=str(replay_id))
        row = await orders.resume(replay_id, deed=done)
        services.runner.wake()
        return views.replay(row)

    @router.post("/{replay_id}/cancel", summary="End it: what was sent stays sent")
    async def cancel(replay_id: UUID, caller: Operator) -> models.ReplayView:
        done = deed(caller, "replay.cancel", replay_id=str(replay_id))
        await orders.cancel(replay_id, deed=done)
        return await services.reading.replay(replay_id)


def short_routes(services: Services) -> APIRouter:
    """Return `/error-handling/retry-tasks`: a replay under the short name."""
    router = APIRouter(prefix="/error-handling", tags=["error handling"])

    @router.post("/retry-tasks", summary="Send entries back to work", status_code=202)
    async def retry(
        body: RetryTasks,
        caller: Operator,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> models.ReplayView:
        ids = tuple(dict.fromkeys(body.task_ids))
        order = ReplayOrder(
            selection=Selection({"entry_ids": [str(one) for one in ids]}, entry_ids=ids),
            actor=caller.subject.replace("\0", ""),
            reason=body.reason,
            rate_per_s=DEFAULT_RATE_PER_S,
            request_id=request_id(),
            idempotency_key=idempotency_key,
        )
        return await _placed(services, order, response)

    return router


async def _placed(services: Services, order: ReplayOrder, response: Response) -> models.ReplayView:
    row = await services.orders.place(order)
    services.runner.wake()
    response.headers["Location"] = f"/api/v1/dlq/replays/{row['id']}"
    return views.replay(row)


def _order(body: ReplayRequest, caller: Principal, key: str | None) -> ReplayOrder:
    return ReplayOrder(
        selection=body.selection(),
        actor=caller.subject.replace("\0", ""),
        reason=body.reason or _SINGLE,
        rate_per_s=body.rate_per_s,
        max_entries=body.max,
        dry_run=body.dry_run,
        from_stage=body.from_stage,
        request_id=request_id(),
        idempotency_key=key,
    )
