"""Children for the sandboxes of a process: a fork server that comes back, and folders for work."""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from processor.sandbox.children import Child
from processor.sandbox.control import ForkServer
from processor.sandbox.folders import Folders

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONHASHSEED")
_ONE_THREAD: Final = {
    # Forking is safe only where no library has started threads.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAYON_NUM_THREADS": "1",
}


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
        self._server: ForkServer | None = None
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

    async def _running(self) -> ForkServer:
        if self._server is not None:
            if self._server.is_alive():
                return self._server
            await self._server.kill()
        if self._folders is None:
            self._folders = Folders(Path(tempfile.mkdtemp(prefix="docyard-sandbox-")))
        try:
            root = self._folders.root
            self._server = await ForkServer.start(self._stages, self._child_environment(), root)
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
