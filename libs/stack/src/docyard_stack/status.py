"""Tells what runs, from the stack's record and the system's list of processes."""

from dataclasses import asdict, dataclass
from typing import TypeGuard

from docyard_stack.errors import StartFailedError
from docyard_stack.folder import StackFolder
from docyard_stack.record import PartRecord, PartState, StackRecord


@dataclass(frozen=True)
class PartStatus:
    """One part as it is right now."""

    name: str
    pid: int | None
    state: PartState
    port: int | None
    uptime_s: float | None
    restarts: int

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def is_running(record: StackRecord | None) -> TypeGuard[StackRecord]:
    """Whether a supervisor looks after the stack, be it starting, serving or stopping."""
    return record is not None and record.supervisor is not None and record.supervisor.alive


def start_failure(folder: StackFolder) -> StartFailedError | None:
    """Return why the last start in *folder* failed; None when it did not."""
    record = folder.load()
    if record is None or record.failure is None:
        return None
    failure = record.failure
    return StartFailedError(failure.part, failure.reason, folder.log(failure.part))


def parts(folder: StackFolder) -> list[PartStatus]:
    """Return every part in the order of its start; empty when there never was a stack."""
    record = folder.load()
    if record is None:
        return []
    supervised = is_running(record)
    return [_status(name, part, supervised=supervised) for name, part in record.parts.items()]


def _status(name: str, part: PartRecord, *, supervised: bool) -> PartStatus:
    uptime_s = None if part.process is None else part.process.uptime_s
    return PartStatus(
        name=name,
        pid=None if part.process is None or uptime_s is None else part.process.pid,
        state=part.state if supervised or part.state is PartState.EXTERNAL else PartState.STOPPED,
        port=part.port,
        uptime_s=None if uptime_s is None else round(uptime_s, 1),
        restarts=part.restarts,
    )
