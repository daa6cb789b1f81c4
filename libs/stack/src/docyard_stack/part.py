"""What the supervisor needs to know of a part: a server or a service that it keeps running."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from docyard_stack.accounts import Account


@dataclass(frozen=True)
class Launch:
    """How to start a program; *environment* is all it gets, nothing is inherited."""

    program: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    """Whom to become; None stays the account of the stack."""


class Part(Protocol):
    """A server or a service. Methods are called from one task at a time."""

    name: str
    port: int
    """Where people and programs reach it."""
    start_s: float
    """How long a start may take before it counts as failed."""
    is_waited_for: bool
    """Whether parts that need it wait for it by themselves, once it is launched."""
    stop_signal: signal.Signals
    stop_s: float
    """How long a stop may take before the part is killed."""

    def prepare(self) -> None:
        """Bring the part's folder into shape; blocks, is called before every start.

        Idempotent; a kill -9 in the middle leaves nothing that a later call takes for whole.
        Raises StackError.
        """
        ...

    def launch(self) -> Launch:
        """Say how to start it; the program stays in the foreground."""
        ...

    async def check(self) -> None:
        """Return when the part serves by its own protocol; raises NotReadyError otherwise."""
        ...
