"""Starts, recognises and ends the processes of a stack."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import psutil
from pydantic import BaseModel, ConfigDict

from docyard_stack.part import Launch

_LAUNCHER: Final = Path(__file__).with_name("launch.py")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_LOG_MAX_BYTES: Final = 10 * 1024 * 1024
_POLL_S: Final = 0.05


class Identity(BaseModel):
    """A process. A pid alone may name another program by now; with its birth it can not."""

    model_config = ConfigDict(frozen=True)

    pid: int
    born: str
    """Its start since the system's, and which start of the system: a clock that is set changes
    neither, while times of day are all moved by it."""

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """Return the process that has *pid* now; None when there is none."""
        try:
            return cls(pid=pid, born=_birth(psutil.Process(pid)))
        except psutil.NoSuchProcess:
            return None

    @classmethod
    def own(cls) -> "Identity":
        """Return the process that asks."""
        process = psutil.Process()
        return cls(pid=process.pid, born=_birth(process))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        try:
            process = psutil.Process(self.pid)
            same = _birth(process) == self.born
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def uptime_s(self) -> float | None:
        """For how long it runs; None when it has ended."""
        if not self.alive:
            return None
        try:
            return max(0.0, time.time() - psutil.Process(self.pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def send(self, number: signal.Signals) -> None:
        """Signal it when it still runs."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _birth(process: psutil.Process) -> str:
    """Tell *process* from all others that had or will have its pid. Raises NoSuchProcess."""
    created = process.create_time()
    if not _BOOT.exists():
        return f"{created:.2f}"
    return f"{created - psutil.boot_time():.2f} s after {_BOOT.read_text().strip()}"


async def spawn(launch: Launch, log: Path) -> asyncio.subprocess.Process:
    """Start *launch* in a session of its own, output appended to *log*.

    The program dies with the thread that calls this (on Linux), so call it from one that lives as
    long as the stack.
    """
    account = launch.account
    with open_log(log) as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())),
            *((str(account.uid), str(account.gid)) if account else ("-1", "-1")),
            *launch.program,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=launch.folder,
            env=dict(launch.environment),
            # A Ctrl-C at the terminal must reach the supervisor alone: it stops parts in order.
            start_new_session=True,
        )


async def stop(
    process: asyncio.subprocess.Process, *, first: signal.Signals, within_s: float
) -> None:
    """End *process* and its group: *first*, then SIGKILL for what is left after *within_s*."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(first)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await process.wait()
    kill_group(process.pid)
    await process.wait()


def kill_group(leader: int) -> None:
    """Kill what is left of the process group of *leader*; nothing left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


async def stop_orphan(identity: Identity, *, first: signal.Signals, within_s: float) -> None:
    """End a process that is not our child, as a former supervisor left it behind."""
    identity.send(first)
    if not await _until(lambda: not identity.alive, within_s):
        identity.send(signal.SIGKILL)
        await _until(lambda: not identity.alive, within_s)


async def _until(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


def open_log(log: Path) -> BinaryIO:
    """Open *log* for appending; one that has grown too large is set aside first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if _is_too_large(log):
        log.replace(_aside(log))
    return log.open("ab")


def bound_log(log: Path) -> None:
    """Set aside what is in *log* if it has grown too large, while it is being written.

    Whoever writes goes on at its beginning, for it was opened for appending; what is written in the
    moment between copying and cutting is lost. Raises OSError.
    """
    if _is_too_large(log):
        shutil.copyfile(log, _aside(log))
        os.truncate(log, 0)


def _is_too_large(log: Path) -> bool:
    return log.exists() and log.stat().st_size > _LOG_MAX_BYTES


def _aside(log: Path) -> Path:
    return log.with_suffix(".1.log")
