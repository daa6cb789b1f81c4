"""Stops a stack from outside, whether its supervisor lives or was killed."""

import asyncio
import os
import signal
import time
from typing import Final

from docyard_stack.errors import FolderInUseError, StackError
from docyard_stack.folder import StackFolder
from docyard_stack.record import Phase
from docyard_stack.supervisor import reap

_STOP_TIMEOUT_S: Final = 90.0
"""Longer than all parts may take one after the other."""
_POLL_S: Final = 0.05


def stop(folder: StackFolder) -> bool:
    """Stop the stack in *folder*; return whether anything ran. Idempotent.

    Raises StackError when it does not stop in time.
    """
    record = folder.load()
    if record is None:
        return False
    supervisor = record.supervisor
    running = supervisor is not None and supervisor.alive
    if running and supervisor is not None and supervisor.pid != os.getpid():
        supervisor.send(signal.SIGTERM)
    _clean(folder)
    return running


def _clean(folder: StackFolder) -> None:
    """Wait for the supervisor to let go of the folder, then end what a killed one left."""
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while True:
        try:
            with folder.hold():
                _note_stopped(folder)
                return
        except FolderInUseError:
            if time.monotonic() > deadline:
                raise StackError(
                    f"the stack in {folder.path} did not stop within {_STOP_TIMEOUT_S:.0f} s"
                ) from None
            time.sleep(_POLL_S)


def _note_stopped(folder: StackFolder) -> None:
    record = folder.load()
    if record is None:
        return
    asyncio.run(reap(record))
    record.supervisor = None
    record.phase = Phase.STOPPED
    for part in record.parts.values():
        part.process = None
    folder.save(record)
