"""Keeps one part running: starts it, waits until it serves, starts it again when it dies."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from docyard_stack.errors import NotReadyError, StackError, StartFailedError
from docyard_stack.logs import last_words
from docyard_stack.part import Part
from docyard_stack.processes import Identity, bound_log, kill_group, spawn, stop
from docyard_stack.record import PartRecord, PartState

logger = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_FIRST_DELAY_S: Final = 0.2
_MAX_DELAY_S: Final = 10.0
_STEADY_S: Final = 30.0
_LOG_S: Final = 10.0
"""How often is looked whether a log has grown too large."""


class Keeper:
    """One part and its process. *changed* is called after every change of `record`."""

    def __init__(self, part: Part, *, log: Path, changed: Callable[[], None]) -> None:
        self.part = part
        self.record = PartRecord(port=part.port)
        self.launched = asyncio.Event()
        """Set when the part's program runs for the first time; it may not serve yet."""
        self._log = log
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the part serves; from then on it is kept running until `stop`.

        Raises StartFailedError when it dies or does not serve in time; `stop` is due even then.
        """
        self._note(PartState.STARTING)
        try:
            await asyncio.to_thread(self.part.prepare)
            await _to_its_end(self._launch())
            self.launched.set()
            async with asyncio.timeout(self.part.start_s):
                await self._served()
        except TimeoutError as error:
            reason = f"it did not answer within {self.part.start_s:.0f} s"
            raise StartFailedError(self.part.name, reason, self._log) from error
        except StartFailedError:
            raise
        except (StackError, OSError) as error:
            raise StartFailedError(self.part.name, str(error), self._log) from error
        self._note(PartState.READY)
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def stop(self) -> None:
        """End the part and wait until nothing of it is left; idempotent."""
        if self._watch is not None:
            self._watch.cancel()
            # Whatever ended it, what it watched is stopped.
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self._end()
        self.record.process = None
        self._note(PartState.STOPPED)

    async def _launch(self) -> None:
        self._process = await spawn(self.part.launch(), self._log)
        self.record.process = Identity.of(self._process.pid)
        self._changed()

    async def _served(self) -> None:
        """Return when the part serves; raises StartFailedError when its process ends before."""
        while True:
            if self._process is None or self._process.returncode is not None:
                raise StartFailedError(self.part.name, self._last_words(), self._log)
            with contextlib.suppress(NotReadyError):
                await _to_its_end(self.part.check())
                return
            await asyncio.sleep(_POLL_S)

    async def _keep(self) -> None:
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            await self._ended()
            lasted_s = asyncio.get_running_loop().time() - started
            failures = 0 if lasted_s > _STEADY_S else failures + 1
            # In this order: other threads read it, and a part that has just died is not ready.
            self.record.state = PartState.RESTARTING
            self.record.restarts += 1
            logger.warning("%s died; starting it again (%s)", self.part.name, self._last_words())
            self._changed()
            await asyncio.sleep(min(_FIRST_DELAY_S * 2.0 ** min(failures, 16), _MAX_DELAY_S))
            await self._start_again()

    async def _start_again(self) -> None:
        # Whatever goes wrong leaves no process, and the caller's loop comes back after a delay.
        try:
            await asyncio.to_thread(self.part.prepare)
            await _to_its_end(self._launch())
            async with asyncio.timeout(self.part.start_s):
                await self._served()
        except (StackError, OSError, TimeoutError):
            await self._end()
        else:
            self._note(PartState.READY)

    async def _ended(self) -> None:
        if self._process is not None:
            while not await _within(self._process.wait(), _LOG_S):
                # A full disk is no reason to watch the part no longer.
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(bound_log, self._log)
            # Children of a killed part would go on beside those of its successor.
            kill_group(self._process.pid)

    async def _end(self) -> None:
        if self._process is not None:
            await stop(self._process, first=self.part.stop_signal, within_s=self.part.stop_s)
            self._process = None

    def _last_words(self) -> str:
        code = None if self._process is None else self._process.returncode
        last = last_words(self._log)
        return f"it ended with code {code}" + (f": {last[:300]}" if last else "")

    def _note(self, state: PartState) -> None:
        self.record.state = state
        self._changed()


async def _within(work: Coroutine[Any, Any, object], seconds: float) -> bool:
    """Await *work* for so long; return whether it has ended."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await *work*, and when cancelled let it end first: half of it leaks a process or a socket."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
