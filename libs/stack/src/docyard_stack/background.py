"""Starts a stack that outlives the command that started it."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from docyard_stack.errors import StackError, StartFailedError
from docyard_stack.folder import StackFolder
from docyard_stack.processes import Identity, open_log
from docyard_stack.record import PartState, Phase, StackRecord

_POLL_S: Final = 0.05
_NAME: Final = "supervisor"


def start(folder: StackFolder, notice: Callable[[str], None]) -> None:
    """Start the stack in *folder* in a session of its own; return when all of it serves.

    *notice* hears the name of each part that serves. Raises StartFailedError or StackError with
    nothing left running.
    """
    log = folder.log(_NAME)
    with open_log(log) as output:
        child = subprocess.Popen(  # noqa: S603 - our own module
            (sys.executable, "-m", "docyard_stack", "--data", str(folder.path)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder.path,
            start_new_session=True,
        )
    told: set[str] = set()
    while child.poll() is None:
        record = folder.load()
        if record is not None and _is_run_by(record, child.pid):
            for name in _serving(record) - told:
                notice(name)
            told |= _serving(record)
            if record.phase is Phase.READY:
                return
        time.sleep(_POLL_S)
    raise _failure(folder)


def _is_run_by(record: StackRecord, pid: int) -> bool:
    return record.supervisor is not None and record.supervisor == Identity.of(pid)


def _serving(record: StackRecord) -> set[str]:
    return {name for name, part in record.parts.items() if part.state is PartState.READY}


def _failure(folder: StackFolder) -> StackError:
    record = folder.load()
    if record is not None and record.failure is not None:
        failure = record.failure
        return StartFailedError(failure.part, failure.reason, folder.log(failure.part))
    log = folder.log(_NAME)
    lines = log.read_text(errors="replace").splitlines()
    return StackError(f"the stack did not start: {lines[-1] if lines else 'no output'} ({log})")
