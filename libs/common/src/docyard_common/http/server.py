"""Runs a service: its public port, its internal port, and a graceful end."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Final

import uvicorn
import uvloop
from fastapi import FastAPI

from docyard_common.http.edge import EdgeMiddleware
from docyard_common.http.heads import BoundedHeadProtocol
from docyard_common.http.lifecycle import Process, keep_for_good, process_of
from docyard_common.http.operations import operations
from docyard_common.observability import tracing
from docyard_common.observability.health import Health
from docyard_common.settings import HttpSettings

logger = logging.getLogger(__name__)

_DRAIN_S: Final = 4
"""How long open requests may go on after SIGTERM; the lifespan's end has the rest of the 10 s."""
_HEAD_START_S: Final = 0.5
"""Between `Process.stopping` and the closing of connections: time for sessions to say goodbye."""
_END_S: Final = 9.0
"""Whatever has not ended by then is cancelled."""
_EXIT_S: Final = 9.5
"""Then the process ends, whatever its threads do: before the supervisor's patience of 10 s."""
_KEEP_ALIVE_S: Final = 30
_WS_PING_S: Final = 25
_WS_PONG_S: Final = 10
_WS_MAX_BYTES: Final = 64 * 1024


def serve(app: FastAPI, settings: HttpSettings) -> None:
    """Serve *app* until SIGTERM, SIGINT or `Process.stop`; blocks.

    Raises SystemExit(1) when a port is taken, the start failed or `Process.fail` was called.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        ok = runner.run(_serve(app, settings))
    tracing.shutdown()
    if not ok:
        raise SystemExit(1)


class _Server(uvicorn.Server):
    """Leaves the signals and the exit code to `serve`: there are two servers and one decision."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            self.should_exit = True


class _PublicServer(_Server):
    """Tells *health* when the start is complete: the internal port answers from the beginning."""

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._health = health
        health.hold()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            keep_for_good()
            self._health.release()


async def _serve(app: FastAPI, settings: HttpSettings) -> bool:
    process = process_of(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stop)
    health: Health = app.state.health
    public, internal = _PublicServer(_config(app), health), _Server(_config(_internal(health)))
    port, metrics_port = (
        _listen(settings.host, settings.port),
        _listen(settings.host, settings.metrics_port),
    )
    main = asyncio.create_task(public.serve([port]))
    side = asyncio.create_task(internal.serve([metrics_port]))
    logger.info(
        "http.listening",
        extra={"host": settings.host, "port": _number(port), "metrics_port": _number(metrics_port)},
    )
    asked = await _until_over(main, process)
    health.drain()
    if public.started:
        await asyncio.sleep(_HEAD_START_S)
    else:
        main.cancel()
    public.should_exit = internal.should_exit = True
    ended = await _ended(main, side)
    return (public.started or asked) and ended and not process.failed


async def _until_over(main: asyncio.Task[None], process: Process) -> bool:
    """Wait for the end; return whether it was asked for, also while the service still started."""
    stop = asyncio.create_task(process.stopping.wait())
    await asyncio.wait({main, stop}, return_when=asyncio.FIRST_COMPLETED)
    asked = not main.done()
    process.stop()
    await stop
    logger.info("http.stopping")
    _exit_at_the_latest()
    return asked


def _exit_at_the_latest() -> None:
    """Bound the end of the process: a thread that hangs in a dead server would hold it up.

    Python joins every thread of an executor before it ends. All that must last is committed by
    then; what is not is taken up by another run, as after a kill.
    """
    watchdog = threading.Timer(_EXIT_S, os._exit, args=[1])
    watchdog.daemon = True
    watchdog.start()


async def _ended(*servers: asyncio.Task[None]) -> bool:
    """Wait for the servers to end; after that the event loop cancels what still runs."""
    _, late = await asyncio.wait(servers, timeout=_END_S)
    for server in servers:
        if server.done() and not server.cancelled() and server.exception():
            logger.error("http.server_died", exc_info=server.exception())
    if late:
        logger.error("http.stopped_late", extra={"servers": len(late)})
    return not late


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHeadProtocol,
        loop="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        ws_per_message_deflate=False,  # deflate costs each connection hundreds of kilobytes
        ws_ping_interval=_WS_PING_S,
        ws_ping_timeout=_WS_PONG_S,
        ws_max_size=_WS_MAX_BYTES,
    )


def _internal(health: Health) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.include_router(operations(health))
    app.add_middleware(EdgeMiddleware)
    return app


def _listen(host: str, port: int) -> socket.socket:
    """Bind here, not in uvicorn: port 0 must be known to be told, a taken port must say so."""
    try:
        listener = socket.create_server((host, port), backlog=2048, family=_family(host))
    except OSError as error:
        fields = {"host": host, "port": port, "reason": str(error)}
        logger.error("http.port_taken", extra=fields)  # noqa: TRY400 - no stack says more than that
        raise SystemExit(1) from error
    listener.settimeout(0)
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _number(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port
