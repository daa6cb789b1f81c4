"""`/error-handling/circuit-breakers`: what keeps stages from asking servers that are away."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from dlq_admin.api.access import Operator, deed
from dlq_admin.api.services import Services
from docyard_common.events.observation import BreakerObserved
from docyard_common.events.work import BreakerResetRequested

Name = Annotated[str, Path(max_length=100, examples=["extract.object_store"])]


class BreakerView(BaseModel):
    """A breaker of the processor, as the replica left it that changed it last."""

    name: str  # <stage>.<server>
    state: Literal["closed", "half_open", "open"]
    failures: int  # in a row
    opened_at: datetime | None
    retry_at: datetime | None  # when it lets the next probe through

    @classmethod
    def of(cls, observed: BreakerObserved) -> "BreakerView":
        return cls.model_validate({**observed.model_dump(), "name": observed.name})


class BreakerList(BaseModel):
    """Breakers that have opened at least once."""

    items: list[BreakerView]


def short_routes(services: Services) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/error-handling/circuit-breakers", tags=["error handling"])
    stages = services.stages

    @router.get("", summary="List circuit breakers")
    async def listed(caller: Operator) -> BreakerList:
        del caller
        return BreakerList(items=[BreakerView.of(one) for one in await stages.breakers()])

    @router.get("/{name}", summary="Read one breaker")
    async def one(name: Name, caller: Operator) -> BreakerView:
        del caller
        return BreakerView.of(await stages.breaker(name))

    @router.post("/{name}/reset", summary="Close a breaker", status_code=202)
    async def reset(name: Name, caller: Operator) -> BreakerResetRequested:
        """Let a stage ask a server again at once, in every replica; a failure opens it again."""
        done = deed(caller, "breaker.reset", breaker=name)
        return await stages.reset_breaker(name, deed=done)

    return router
