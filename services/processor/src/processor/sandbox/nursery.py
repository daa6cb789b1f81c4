"""The parent's end of the fork server: asks it for children and hears how they ended."""

import asyncio
import itertools
import json
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from processor.sandbox.errors import NoChildError
from processor.sandbox.folders import Folders
from processor.sandbox.frames import REQUEST

logger = logging.getLogger(__name__)

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONHASHSEED")
_ONE_THREAD: Final = {
    # Forking is safe only where no library has started threads.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
}
_START_S: Final = 120.0
_STOP_S: Final = 5.0
_FORK_S: Final = 30.0
"""For what takes milliseconds, except where the fork server is stopped or stuck."""


@dataclass(frozen=True)
class Exit:
    """How a child ended: a negative code is the signal that killed it, as in `subprocess`."""

    code: int
    peak_bytes: int  # resident


@dataclass(frozen=True)
class Child:
    """A running child: its socket, the future of its end, and the one folder that is its own."""

    pid: int
    connection: socket.socket
    exited: asyncio.Future[Exit]
    folder: Path

    def kill(self, number: signal.Signals) -> None:
        """Signal the child and whatever it has started; nothing happens to one that has ended."""
        if self.exited.done():
            return
        # The child leads a session of its own; until it has come that far it is alone.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


_Born: TypeAlias = tuple[int, asyncio.Future[Exit]]
"""Number of a child, and its end."""


class Nursery:
    """One fork server for all sandboxes of a process; comes back by itself after it died.

    Folders are those of the nursery: they stay when the fork server has died.

    *stages* names the module with `preload` and `run_stage`. Children see *environment* and a few
    harmless variables, nothing else of the parent's.
    """

    def __init__(
        self,
        *,
        stages: str = "processor.stages.run",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._stages = stages
        self._environment = environment or {}
        self._lock = asyncio.Lock()
        self._requests = itertools.count(1)  # no folder of a child is that of another, ever
        self._server: _Server | None = None
        self._folders: Folders | None = None

    @property
    def pid(self) -> int | None:
        """Process number of the fork server; None while there is none."""
        return self._server.pid if self._server is not None else None

    @property
    def has_no_network(self) -> bool:
        """Whether the kernel lets children be without a network."""
        return self._server is not None and self._server.has_no_network

    @property
    def is_confined(self) -> bool:
        """Whether the kernel keeps children to their own folder and what they run from."""
        return self._server is not None and self._server.is_confined

    async def start(self) -> None:
        """Start the fork server and wait until it is warm: some seconds. Raises NoChildError."""
        async with self._lock:
            await self._running()

    async def close(self) -> None:
        """End the fork server and with it every child."""
        async with self._lock:
            if self._server is not None:
                await self._server.stop()
                self._server = None
            await asyncio.to_thread(self._remove_folders)

    async def spawn(self) -> Child:
        """Fork a child. Raises NoChildError where the system, or the fork server, can not."""
        async with self._lock:
            server = await self._running()
            return await server.spawn(next(self._requests))

    @asynccontextmanager
    async def lend_folder(self) -> AsyncIterator[Path]:
        """Lend an empty folder, whose content is gone at the latest when this process is.

        The fork server sees to that, so there has to be one. Raises NoChildError. No child may
        open what lies there: `Sandbox.run` hands it over.
        """
        if self._folders is None or self._server is None or not self._server.is_alive():
            async with self._lock:
                await self._running()
        assert self._folders is not None  # noqa: S101 - a server that runs has its root
        async with self._folders.lend() as folder:
            yield folder

    async def _running(self) -> "_Server":
        if self._server is not None:
            if self._server.is_alive():
                return self._server
            await self._server.kill()
        if self._folders is None:
            self._folders = Folders(Path(tempfile.mkdtemp(prefix="docyard-sandbox-")))
        try:
            root = self._folders.root
            self._server = await _Server.start(self._stages, self._child_environment(), root)
        except BaseException:
            if self._server is None:  # nothing was ever lent
                self._remove_folders()
            raise
        return self._server

    def _remove_folders(self) -> None:
        folders, self._folders = self._folders, None
        if folders is not None:
            shutil.rmtree(folders.root, ignore_errors=True)

    def _child_environment(self) -> dict[str, str]:
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**passed_on, **_ONE_THREAD, **self._environment}


class _Server:
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
    async def start(cls, stages: str, environment: dict[str, str], root: Path) -> "_Server":
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
