"""Runs a whole stack in this process until it is told to stop: what `docyard up` is."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from docyard_stack import record as records
from docyard_stack.addresses import StackAddresses
from docyard_stack.folder import StackFolder
from docyard_stack.kafka.jars import DownloadProgress
from docyard_stack.plan import Plan, make_plan
from docyard_stack.record import StackRecord
from docyard_stack.supervisor import Notice, Supervisor, reap

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stack:
    """A stack in *folder*; *environment* is what the parts inherit and what may name servers."""

    def __init__(
        self,
        folder: StackFolder,
        *,
        environment: Mapping[str, str],
        progress: DownloadProgress,
        notice: Notice,
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._progress = progress
        self._notice = notice

    async def run(self, ready: Callable[[StackAddresses], None]) -> bool:
        """Start everything, call *ready*, return when a signal has stopped all of it.

        The answer is whether it ever was ready: a signal may come before that.
        Raises StartFailedError or StackError with nothing left running, FolderInUseError.
        """
        with self._folder.hold(), _stop_signal() as told_to_stop:
            record = self._folder.load() or StackRecord()
            await reap(record)
            plan = make_plan(self._folder, record, self._environment, self._progress)
            self._publish(plan, record)
            supervisor = Supervisor(self._folder, record)
            starting = asyncio.create_task(supervisor.start(plan.tiers, self._notice))
            try:
                serving = await _first(starting, told_to_stop)
                if serving:
                    ready(plan.addresses)
                    await told_to_stop.wait()
            finally:
                await supervisor.stop()
            return serving

    def _publish(self, plan: Plan, record: StackRecord) -> None:
        # Before the start: whoever sees the stack ready must find its addresses.
        record.addresses = plan.addresses
        records.write_private(self._folder.client_file, plan.addresses.for_client())


async def _first(starting: asyncio.Task[None], told_to_stop: asyncio.Event) -> bool:
    """Return whether the start succeeded before the signal; a start that is late is cancelled."""
    waiting = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait((starting,))
        return False
    await starting
    return True


@contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    """Yield an event that the signals to stop set, in place of what they would do."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
