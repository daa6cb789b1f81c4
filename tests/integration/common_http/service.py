"""A service to be started by tests: `python service.py PORT METRICS_PORT [die|no-start]`."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from docyard_common.http import background, create_app, process_of, serve
from docyard_common.observability import logging, tracing
from docyard_common.observability.health import Health
from docyard_common.settings import HttpSettings, LogSettings, TracingSettings


def build(settings: HttpSettings, mode: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if mode == "no-start":
            raise RuntimeError("the database is not what it should be")
        if mode == "slow-start":
            await asyncio.Event().wait()
        async with background(app, relay=relay()):
            yield

    async def relay() -> None:
        if mode != "die":
            await asyncio.Event().wait()

    app = create_app(
        title="Test",
        description="For tests.",
        settings=settings,
        health=Health("test"),
        lifespan=lifespan,
    )

    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    @app.get("/endless")
    async def endless() -> StreamingResponse:
        return StreamingResponse(_endless())

    @app.get("/hang")
    async def hang() -> None:
        await asyncio.to_thread(threading.Event().wait)

    @app.post("/swallow")
    async def swallow(request: Request) -> int:
        return sum([len(piece) async for piece in request.stream()])

    @app.get("/polite")
    async def polite() -> StreamingResponse:
        return StreamingResponse(_polite(app))


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 10
        await asyncio.sleep(0.01)


async def _polite(app: FastAPI) -> AsyncIterator[bytes]:
    yield b"hello"
    await process_of(app).stopping.wait()
    yield b" and goodbye"


def main() -> None:
    port, metrics_port, mode = [*sys.argv[1:], ""][:3]
    settings = HttpSettings(port=int(port), metrics_port=int(metrics_port))
    logging.configure("test", LogSettings())
    tracing.configure("test", TracingSettings())
    serve(build(settings, mode), settings)


if __name__ == "__main__":
    main()
