"""The parent's end of one life of the fork server: asks it for children, hears how they ended."""

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from processor.sandbox.children import Child, Exit
from processor.sandbox.errors import NoChildError
from processor.sandbox.frames import REQUEST

logger = logging.getLogger(__name__)

_START_S: Final = 120.0
_STOP_S: Final = 5.0
_FORK_S: Final = 30.0
"""For what takes milliseconds, except where the fork server is stopped or stuck."""

_Born: TypeAlias = tuple[int, asyncio.Future[Exit]]
"""Number of a child, and its end."""


class ForkServer:
    """One life of the fork server."""

    def __init__(
        self, process: asyncio.subprocess.Process, control: socket.socket, root: Path
    ) -> None:
        self.has_no_network = False
        self.is_confined = False
        self._process = process
        self._control = control
        self._root = root
        self._wanted: dict[int, asyncio.Future[_Born]] = {}  # by request
        self._ends: dict[int, asyncio.Future[Exit]] = {}  # by pid
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, stages: str, environment: dict[str, str], root: Path) -> "ForkServer":
        """Start one that lets children work below *root*. Raises NoChildError."""
        with ExitStack() as undo:
            try:
                ours, theirs = socket.socketpair()
                undo.callback(ours.close)
                with theirs:
                    process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        "processor.sandbox.forkserver",
                        str(theirs.fileno()),
                        stages,
                        str(root),
                        env=environment,
                        pass_fds=(theirs.fileno(),),
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=asyncio.subprocess.DEVNULL,
                    )
            except OSError as error:
                raise NoChildError(f"the fork server can not be started: {error}") from error
            undo.pop_all()
        server = cls(process, ours, root)
        try:
            await server._become_ready()
        except BaseException:
            await asyncio.shield(server.kill())
            raise
        return server

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._listening is not None and not self._listening.done()

    async def spawn(self, request: int) -> Child:
        """Have a child whose folder is called *request*. Raises NoChildError."""
        folder = self._root / str(request)
        # A child whose socket is closed leaves by itself.
        with ExitStack() as undo:
            try:
                os.mkdir(folder, mode=0o700)  # noqa: PTH102 - at once
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
                ours, theirs = socket.socketpair()
                undo.callback(ours.close)
                with theirs:
                    socket.send_fds(self._control, [REQUEST.pack(request)], [theirs.fileno()])
            except OSError as error:
                raise NoChildError(f"the fork server can not be asked: {error}") from error
            pid, exited = await self._born(request)
            undo.pop_all()
        return Child(pid, ours, exited, folder)

    async def _born(self, request: int) -> _Born:
        """Wait for the answer; a server that gives none is killed. Raises NoChildError."""
        wanted: asyncio.Future[_Born] = asyncio.get_running_loop().create_future()
        self._wanted[request] = wanted
        try:
            async with asyncio.timeout(_FORK_S):
                return await wanted
        except TimeoutError as error:
            logger.warning("sandbox.fork_server_stuck", extra={"pid": self.pid})
            await self.kill()
            raise NoChildError("the fork server did not answer") from error
        finally:
            self._wanted.pop(request, None)

    async def kill(self) -> None:
        """End the server at once: the kernel ends its children, and their folders stay."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.stop()

    async def stop(self) -> None:
        """Close the control socket, at which the server ends all children and removes their root.

        It is killed if it stays.
        """
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        self._control.close()
        if self._writer is not None:
            self._writer.close()
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        self._lose_children()

    async def _become_ready(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._control.dup())
        try:
            async with asyncio.timeout(_START_S):
                line = await reader.readline()
        except TimeoutError as error:
            raise NoChildError(f"the fork server is not warm after {_START_S:.0f} s") from error
        if not line:
            raise NoChildError("the fork server did not start; see its messages on stderr")
        told = json.loads(line)
        self.has_no_network, self.is_confined = bool(told["no_network"]), bool(told["confined"])
        walls = {"no_network": self.has_no_network, "landlock": self.is_confined}
        logger.info("sandbox.ready", extra={"pid": self.pid, **walls})
        if not self.has_no_network:
            logger.warning("sandbox.network_reachable")
        if not self.is_confined:
            logger.warning("sandbox.file_system_reachable")
        if not told["has_ids"]:
            logger.warning("sandbox.ids_not_mapped")
        self._listening = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(json.loads(line))
        except ConnectionError:
            logger.warning("sandbox.fork_server_lost")
        finally:
            self._lose_children()

    def _hear(self, message: dict[str, Any]) -> None:
        match message:
            case {"event": "forked", "pid": pid, "request": request}:
                end = self._ends[pid] = asyncio.get_running_loop().create_future()
                # With its end: that may be told before whoever waits goes on.
                if (wanted := self._waiting(request)) is not None:
                    wanted.set_result((pid, end))
            case {"event": "refused", "request": request, "why": why}:
                if (wanted := self._waiting(request)) is not None:
                    wanted.set_exception(NoChildError(f"the fork server could not fork: {why}"))
            case _:
                end = self._ends.pop(message["pid"])
                end.set_result(Exit(message["code"], message["peak_bytes"]))

    def _waiting(self, request: int) -> asyncio.Future[_Born] | None:
        wanted = self._wanted.get(request)
        return None if wanted is None or wanted.done() else wanted

    def _lose_children(self) -> None:
        """Without their server children are dead, or will be in a moment: the kernel sees to it."""
        for wanted in self._wanted.values():
            if not wanted.done():
                wanted.set_exception(NoChildError("the fork server ended while it forked"))
        for end in self._ends.values():
            if not end.done():
                end.set_result(Exit(-signal.SIGKILL, 0))
        self._ends.clear()
