"""`/health` and `/metrics`: for orchestrators, dashboards and people."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from docyard_common.observability.health import Health


def operations(health: Health) -> APIRouter:
    """Return the routes that tell how the process is; none needs a token."""
    router = APIRouter(tags=["operations"])

    @router.get("/health", summary="What works and what does not")
    async def report() -> JSONResponse:
        """Answer 200 as long as the process answers at all: read `status`."""
        return JSONResponse(await health.report(), headers={"Cache-Control": "no-store"})

    @router.get("/health/live", summary="Whether the process is worth keeping")
    async def live() -> JSONResponse:
        return _verdict(ok=health.live())

    @router.get("/health/ready", summary="Whether traffic may come")
    async def ready() -> JSONResponse:
        return _verdict(ok=await health.ready())

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def exposition() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _verdict(*, ok: bool) -> JSONResponse:
    return JSONResponse({"status": "ok" if ok else "down"}, status_code=200 if ok else 503)
