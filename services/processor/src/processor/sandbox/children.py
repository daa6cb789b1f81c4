"""A child as its parent has it, and how it ends."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Exit:
    """How a child ended: a negative code is the signal that killed it, as in `subprocess`."""

    code: int
    peak_bytes: int  # resident


@dataclass(frozen=True)
class Child:
    """A running child: its socket, the future of its end, and the one folder that is its own."""

    pid: int
    connection: socket.socket
    exited: asyncio.Future[Exit]
    folder: Path

    def kill(self, number: signal.Signals) -> None:
        """Signal the child and whatever it has started; nothing happens to one that has ended."""
        if self.exited.done():
            return
        # The child leads a session of its own; until it has come that far it is alone.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
