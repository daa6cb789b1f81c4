"""Starts a stack that outlives the command that started it."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from docyard_stack import status
from docyard_stack.addresses import StackAddresses
from docyard_stack.errors import FolderInUseError, StackError
from docyard_stack.folder import StackFolder
from docyard_stack.logs import last_words
from docyard_stack.processes import Identity, open_log
from docyard_stack.record import PartState, Phase, StackRecord

FOLDER_IN_USE: Final = 5
"""What the supervisor exits with when another process holds its folder."""

_POLL_S: Final = 0.05
_NAME: Final = "supervisor"


def start(folder: StackFolder, notice: Callable[[str], None]) -> StackAddresses:
    """Start the stack in *folder* in a session of its own; return when all of it serves.

    *notice* hears the name of each part that serves. Raises StartFailedError or StackError with
    nothing left running, FolderInUseError when another process was faster.
    """
    folder.claim()
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
            if record.phase is Phase.READY and record.addresses is not None:
                return record.addresses
        time.sleep(_POLL_S)
    if child.returncode == FOLDER_IN_USE:
        raise FolderInUseError(folder.path)
    raise status.start_failure(folder) or _last_words(folder)


def _is_run_by(record: StackRecord, pid: int) -> bool:
    return record.supervisor is not None and record.supervisor == Identity.of(pid)


def _serving(record: StackRecord) -> set[str]:
    return {name for name, part in record.parts.items() if part.state is PartState.READY}


def _last_words(folder: StackFolder) -> StackError:
    log = folder.log(_NAME)
    return StackError(f"the stack did not start: {last_words(log) or 'no output'} ({log})")
