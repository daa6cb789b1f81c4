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
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processor.sandbox.errors import ChildCrashedError
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


@dataclass(frozen=True)
class Exit:
    """How a child ended: a negative code is the signal that killed it, as in `subprocess`."""

    code: int
    peak_bytes: int  # resident


@dataclass(frozen=True)
class Child:
    """A running child: its socket, and the future of its end."""

    pid: int
    connection: socket.socket
    exited: asyncio.Future[Exit]

    def kill(self, number: signal.Signals) -> None:
        """Signal the child and whatever it has started; nothing happens to one that has ended."""
        if self.exited.done():
            return
        # The child leads a session of its own; until it has come that far it is alone.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Nursery:
    """One fork server for all sandboxes of a process; comes back by itself after it died.

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
        self._server: _Server | None = None

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
        """Start the fork server and wait until it is warm: some seconds."""
        async with self._lock:
            await self._running()

    async def close(self) -> None:
        """End the fork server and with it every child."""
        async with self._lock:
            if self._server is not None:
                await self._server.stop()
                self._server = None

    async def spawn(self) -> Child:
        """Fork a child. Raises ChildCrashedError when the fork server can not be had."""
        async with self._lock:
            server = await self._running()
            return await server.spawn()

    def lend_folder(self) -> AbstractAsyncContextManager[Path]:
        """Lend an empty folder, whose content is gone at the latest when this process is."""
        if self._server is None:
            raise RuntimeError("the nursery is not started")
        return self._server.folders.lend()

    async def _running(self) -> "_Server":
        if self._server is None or not self._server.is_alive():
            if self._server is not None:
                await self._server.stop()
            self._server = await _Server.start(self._stages, self._child_environment())
        return self._server

    def _child_environment(self) -> dict[str, str]:
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**passed_on, **_ONE_THREAD, **self._environment}


class _Server:
    """One life of the fork server."""

    def __init__(
        self, process: asyncio.subprocess.Process, control: socket.socket, folder: Path
    ) -> None:
        self.folder = folder
        self.folders = Folders(folder)
        self.has_no_network = False
        self.is_confined = False
        self._process = process
        self._control = control
        self._requests = itertools.count(1)
        self._wanted: dict[int, asyncio.Future[int]] = {}  # by request
        self._ends: dict[int, asyncio.Future[Exit]] = {}  # by pid
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, stages: str, environment: dict[str, str]) -> "_Server":
        folder = Path(tempfile.mkdtemp(prefix="docyard-sandbox-"))
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "processor.sandbox.forkserver",
                str(theirs.fileno()),
                stages,
                str(folder),
                env=environment,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )
        server = cls(process, ours, folder)
        try:
            await server._become_ready()
        except BaseException:
            await asyncio.shield(server.stop())
            raise
        return server

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._listening is not None and not self._listening.done()

    async def spawn(self) -> Child:
        ours, theirs = socket.socketpair()
        request = next(self._requests)
        wanted = self._wanted[request] = asyncio.get_running_loop().create_future()
        try:
            with theirs:
                socket.send_fds(self._control, [REQUEST.pack(request)], [theirs.fileno()])
            pid = await wanted
        except OSError as error:
            ours.close()
            raise ChildCrashedError("the fork server has ended") from error
        except BaseException:
            # A child whose socket is closed leaves by itself.
            ours.close()
            raise
        finally:
            self._wanted.pop(request, None)
        return Child(pid, ours, self._ends[pid])

    async def stop(self) -> None:
        """Close the control socket, at which the server ends all children; kill it if it stays."""
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
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _become_ready(self) -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._control.dup())
        async with asyncio.timeout(_START_S):
            line = await reader.readline()
        if not line:
            raise ChildCrashedError("the fork server did not start; see its messages on stderr")
        told = json.loads(line)
        self.has_no_network, self.is_confined = bool(told["no_network"]), bool(told["confined"])
        walls = {"no_network": self.has_no_network, "landlock": self.is_confined}
        logger.info("sandbox.ready", extra={"pid": self.pid, **walls})
        if not self.has_no_network:
            logger.warning("sandbox.network_reachable")
        if not self.is_confined:
            logger.warning("sandbox.file_system_reachable")
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
        pid = message["pid"]
        if message["event"] == "forked":
            self._ends[pid] = asyncio.get_running_loop().create_future()
            wanted = self._wanted.get(message["request"])
            if wanted is not None and not wanted.done():
                wanted.set_result(pid)
        else:
            self._ends.pop(pid).set_result(Exit(message["code"], message["peak_bytes"]))

    def _lose_children(self) -> None:
        """Without their server children are dead, or will be in a moment: the kernel sees to it."""
        for wanted in self._wanted.values():
            if not wanted.done():
                wanted.set_exception(ChildCrashedError("the fork server ended while it forked"))
        for end in self._ends.values():
            if not end.done():
                end.set_result(Exit(-signal.SIGKILL, 0))
        self._ends.clear()
