"""Stops a stack from outside, whether its supervisor lives or was killed."""

import asyncio
import contextlib
import os
import signal
import time
from typing import Final

from docyard_stack.errors import FolderInUseError, StackError
from docyard_stack.folder import StackFolder
from docyard_stack.postgres_home import cluster_of, end_leftovers
from docyard_stack.processes import Identity
from docyard_stack.record import Phase
from docyard_stack.status import is_running
from docyard_stack.supervisor import reap

_STOP_TIMEOUT_S: Final = 90.0
"""Longer than all parts may take one after the other."""
_POLL_S: Final = 0.05


def stop(folder: StackFolder) -> bool:
    """Stop the stack in *folder*, or one that begins there; return whether any ran. Idempotent.

    Raises StackError when it does not stop in time.
    """
    told: set[Identity] = set()
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while folder.was_used:
        try:
            with folder.hold():
                _note_stopped(folder)
            break
        except FolderInUseError:
            _tell(folder, told)
        if time.monotonic() > deadline:
            raise StackError(
                f"the stack in {folder.path} did not stop within {_STOP_TIMEOUT_S:.0f} s"
            )
        time.sleep(_POLL_S)
    return bool(told)


def _tell(folder: StackFolder, told: set[Identity]) -> None:
    """Signal the supervisor, once: it is written down some time after it holds the folder.

    A second signal could meet it when it has stopped everything and listens no more.
    """
    record = folder.load()
    if not is_running(record) or record.supervisor is None or record.supervisor in told:
        return
    told.add(record.supervisor)
    if record.supervisor.pid != os.getpid():
        record.supervisor.send(signal.SIGTERM)


def _note_stopped(folder: StackFolder) -> None:
    record = folder.load()
    if record is None:
        return
    asyncio.run(reap(record))
    end_leftovers(cluster_of(folder.path))
    record.supervisor = None
    record.phase = Phase.STOPPED
    for part in record.parts.values():
        part.process = None
    # On a full disk it is known as well: the processes that are written down are gone.
    with contextlib.suppress(OSError):
        folder.save(record)
