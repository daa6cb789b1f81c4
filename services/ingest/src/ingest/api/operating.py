"""What operators ask of ingest: to put unfinished documents back to work."""

from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, ConfigDict, Field

from docyard_common.auth import Principal
from docyard_common.http import require_role
from ingest.api.links import API
from ingest.api.models import Answer
from ingest.api.problems import refusals
from ingest.documents.reconciling import Reconciler

_YEAR_S: Final = 366 * 86_400.0


class ReconcileRequest(BaseModel):
    """Which documents; an empty body means every one in work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_s: float = Field(
        default=0.0, ge=0, le=_YEAR_S, description="Only what was silent so long."
    )
    dry_run: bool = False


class ReconcileOut(Answer):
    """How many documents are in work, and of how many the work was asked for again."""

    unfinished: int
    asked: int
    dry_run: bool


class OperatorRoutes:
    """Routes for the role operator."""

    def __init__(self, *, reconciler: Reconciler) -> None:
        self._reconciler = reconciler

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["operating"])
        router.add_api_route(
            "/reconcile",
            self.reconcile,
            methods=["POST"],
            summary="Put unfinished documents back to work",
            responses=refusals(),
        )
        return router

    async def reconcile(
        self,
        caller: Annotated[Principal, Depends(require_role("operator"))],
        wanted: Annotated[ReconcileRequest | None, Body()] = None,
    ) -> ReconcileOut:
        """Ask again for the work of every unfinished document: after Kafka was lost.

        Safe at any time: the processor leaves alone what waits or runs, and tells again what has
        ended without anybody hearing it.
        """
        del caller
        wanted = wanted or ReconcileRequest()
        unfinished = await self._reconciler.count(silent_s=wanted.silent_s)
        asked = 0
        if not wanted.dry_run:
            asked = await self._reconciler.reconcile(silent_s=wanted.silent_s)
        return ReconcileOut(unfinished=unfinished, asked=asked, dry_run=wanted.dry_run)
