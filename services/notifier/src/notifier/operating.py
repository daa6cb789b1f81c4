"""What operators ask the notifier about itself."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from docyard_common.auth import Principal
from docyard_common.http import require_role
from notifier.connections import Connections
from notifier.hub import Hub
from notifier.recent import RecentViews


class Stats(BaseModel):
    """Numbers of one replica; others have their own."""

    ws_connections: int
    sse_streams: int
    users: int
    subscriptions: int  # documents followed, counted per connection; channels not included
    documents_in_memory: int


def operating(*, connections: Connections, hub: Hub, recent: RecentViews) -> APIRouter:
    """Return the routes for operators."""
    router = APIRouter(prefix="/api/v1/ws", tags=["operations"])

    @router.get("/stats", summary="Who is connected to this replica")
    async def stats(_: Annotated[Principal, Depends(require_role("operator"))]) -> Stats:
        return Stats(
            **connections.stats(),
            subscriptions=hub.subscriptions,
            documents_in_memory=len(recent),
        )

    return router
