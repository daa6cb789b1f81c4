"""What a stack remembers of itself: `stack.json` in its data folder.

Ports and keys are made once and kept; processes are written down so that a detached stack, or one
whose supervisor was killed, can be found again.
"""

import os
import secrets
import tempfile
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field

from docyard_stack.addresses import StackAddresses
from docyard_stack.ports import free_ports, keep_ports
from docyard_stack.processes import Identity


class Phase(StrEnum):
    """How far the stack as a whole is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class PartState(StrEnum):
    """How far one part is; `external` is a server that somebody else runs."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"
    EXTERNAL = "external"


class Keys(BaseModel):
    """Secrets of this stack, made at its first start."""

    database_password: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    access_key: str = Field(default_factory=lambda: secrets.token_hex(10))
    secret_key: str = Field(default_factory=lambda: secrets.token_urlsafe(30))
    store_signing_key: str = Field(default_factory=lambda: secrets.token_urlsafe(32))
    store_events_token: str = Field(default_factory=lambda: secrets.token_urlsafe(32))
    auth_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(48))


class PartRecord(BaseModel):
    """One part as it was last seen."""

    state: PartState = PartState.STOPPED
    port: int | None = None
    process: Identity | None = None
    restarts: int = 0  # since the stack started


class Failure(BaseModel):
    """Why the last start failed."""

    part: str
    reason: str
    log: str


class StackRecord(BaseModel):
    """The content of `stack.json`."""

    phase: Phase = Phase.STOPPED
    supervisor: Identity | None = None
    failure: Failure | None = None
    keys: Keys = Field(default_factory=Keys)
    ports: dict[str, list[int]] = Field(default_factory=dict)
    parts: dict[str, PartRecord] = Field(default_factory=dict)
    addresses: StackAddresses | None = None  # of the last start

    def ports_of(self, part: str, count: int) -> list[int]:
        """Return the ports of *part*: those written down, or free ones when one of them is taken.

        Call it while no process of this stack runs: its own ports would look taken.
        """
        written = self.ports.get(part, [])
        if len(written) != count or not keep_ports(written):
            elsewhere = [port for ports in self.ports.values() for port in ports]
            self.ports[part] = free_ports(count, taken=elsewhere)
        return self.ports[part]


def load(file: Path) -> StackRecord | None:
    """Read the record; None when this folder never held a stack."""
    try:
        return StackRecord.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None


def write_private(file: Path, text: str) -> None:
    """Replace *file* in one step, readable by its owner alone; a kill -9 leaves old or new."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as partial:
            partial.write(text)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
