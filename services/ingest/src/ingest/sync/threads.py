"""Threads for what blocks on this machine's files: a folder that hangs stops nothing else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


class FolderThreads:
    """A few threads of their own."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="folders")

    async def run(self, call: Callable[..., _Result], *arguments: object) -> _Result:
        """Return what *call* returns. A cancelled caller goes at once; the call ends by itself."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, call, *arguments)

    def close(self) -> None:
        """Take no more calls; those that run may end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
