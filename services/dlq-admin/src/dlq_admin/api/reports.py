"""`/api/v1/dlq/stats`, `/export` and `/audit`, the stages' resume, and their short names."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from dlq_admin.api import models
from dlq_admin.api.access import Caller, Operator, deed
from dlq_admin.api.parameters import Cursor, Limit, TextQuery, Where
from dlq_admin.api.requests import SlotsRequest
from dlq_admin.api.services import Services
from docyard_common.events.stages import Stage
from docyard_common.events.work import StageResumeRequested, StageSlotsRequested

_NDJSON = "application/x-ndjson"


class HealthView(BaseModel):
    """How this service and what it needs are."""

    status: str  # ok, degraded or down
    components: dict[str, Any]


def routes(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["reports"])
    reading = services.reading

    @router.get("/dlq/stats", summary="The dead letters at a glance")
    async def stats(caller: Operator) -> models.StatsView:
        del caller
        return await reading.stats()

    @router.get(
        "/dlq/export",
        summary="Whole entries as NDJSON",
        response_class=StreamingResponse,
        responses={200: {"content": {_NDJSON: {}}, "description": "One entry a line"}},
    )
    async def export(where: Where, caller: Operator) -> StreamingResponse:
        await services.entries.note_export(deed=deed(caller, "export", filter=where.described()))
        return StreamingResponse(
            reading.export(where),
            media_type=_NDJSON,
            headers={"Content-Disposition": 'attachment; filename="dead-letters.ndjson"'},
        )

    @router.get("/dlq/audit", summary="Who did what, the newest first")
    async def audit(
        caller: Operator,
        actor: TextQuery = None,
        operation: Annotated[models.Text | None, Query(examples=["entry.discard"])] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> models.Page[models.AuditView]:
        del caller
        return await reading.audit(actor=actor, operation=operation, cursor=cursor, limit=limit)

    @router.post("/stages/{stage}/resume", summary="Let a stopped stage go on", status_code=202)
    async def resume(stage: Stage, caller: Operator) -> StageResumeRequested:
        """Tell a stage that stopped itself, because too much of its work failed, to go on."""
        return await services.stages.resume(stage, deed=deed(caller, "stage.resume", stage=stage))

    @router.post("/stages/{stage}/slots", summary="Change the slots of a stage", status_code=202)
    async def slots(stage: Stage, body: SlotsRequest, caller: Operator) -> StageSlotsRequested:
        """Every replica works on so many documents of the stage at once; 0 pauses it, null ends it.

        What runs beyond that runs to its end.
        """
        done = deed(caller, "stage.slots", stage=stage, slots=body.slots)
        return await services.stages.set_slots(stage, body.slots, deed=done)

    return router


def short_routes(services: Services) -> APIRouter:
    """Return `/error-handling/health` and `/error-handling/statistics`."""
    router = APIRouter(prefix="/error-handling", tags=["error handling"])

    @router.get("/health", summary="How this service and what it needs are")
    async def health(caller: Caller) -> HealthView:
        del caller
        report = await services.health.report()
        parts = {**report["components"], **report["dependencies"]}
        return HealthView(status=report["status"], components=parts)

    @router.get("/statistics", summary="The dead letters at a glance")
    async def statistics(caller: Operator) -> models.StatsView:
        del caller
        return await services.reading.stats()

    return router
