"""Waits for a stack that another command starts or stops."""

import time
from typing import Final

from docyard_stack import status
from docyard_stack.addresses import StackAddresses
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder
from docyard_stack.record import Phase

_POLL_S: Final = 0.05


def serving(folder: StackFolder) -> StackAddresses | None:
    """Return the addresses of the stack in *folder* as soon as it serves; None when none runs.

    One that stops is waited for as well. Raises StartFailedError or StackError for one that was
    starting and ended before it served.
    """
    was_starting = False
    while status.is_running(record := folder.load()):
        if record.phase is Phase.READY:
            if record.addresses is None:
                raise StackError(f"what runs in {folder.path} are servers without the services")
            return record.addresses
        was_starting = was_starting or record.phase is Phase.STARTING
        time.sleep(_POLL_S)
    if was_starting:
        stopped = StackError(f"the stack in {folder.path} was stopped before it served")
        raise status.start_failure(folder) or stopped
    return None
