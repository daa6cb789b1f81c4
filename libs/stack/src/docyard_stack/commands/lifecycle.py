"""`docyard up` and `docyard down`."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import typer

from docyard_stack import background, joining, progress, status, stopping
from docyard_stack.addresses import StackAddresses
from docyard_stack.commands.output import ExitCode, data, failing_well, folder_of, note
from docyard_stack.environment import GivenServers
from docyard_stack.errors import FolderInUseError
from docyard_stack.folder import StackFolder
from docyard_stack.kafka.jars import JarCache, cache_folder
from docyard_stack.record import Phase

_NAME_WIDTH: Final = 14
_HELD_S: Final = 90.0
"""For how long the folder may be held by a process that is not written down as its supervisor."""
_FOUND: Final[Mapping[Phase, str]] = {
    Phase.STARTING: "The stack is starting already: waiting until it serves.",
    Phase.READY: "The stack is running already.",
    Phase.STOPPING: "The stack is stopping: it is started again after that.",
}


class Running(NamedTuple):
    """A stack that serves."""

    addresses: StackAddresses
    is_ours: bool  # started by this command, not found running or starting


class Owns(Protocol):
    """Hears whether what starts is this command's, and is to be stopped with it."""

    def __call__(self, *, is_ours: bool) -> None: ...


def _to_nobody(*, is_ours: bool) -> None:
    """Say it to nobody."""


def up(path: Path | None, *, detach: bool, as_json: bool) -> None:
    """Start the stack; attached until Ctrl-C, or detached until `docyard down`."""
    folder = folder_of(path)
    with failing_well():
        if detach:
            _up_detached(folder, as_json=as_json)
        else:
            _up_attached(folder, as_json=as_json)


def down(path: Path | None, *, erase: bool, as_json: bool) -> None:
    """Stop the stack and, on request, delete all it wrote."""
    folder = folder_of(path)
    with failing_well():
        ran = stopping.stop(folder)
        erased = erase and folder.erase()
    if as_json:
        data(json.dumps({"data": str(folder.path), "stopped": ran, "erased": erased}))
    note("Stopped." if ran else f"No stack was running in {folder.path}.")
    if erased:
        note(f"Erased {folder.path}.")


def start_detached(folder: StackFolder, *, owns: Owns | None = None) -> Running:
    """Start the stack unless it runs or starts; return when it serves. Raises StackError.

    *owns* hears whether what may be starting from now on is this command's.
    """
    tell = owns or _to_nobody
    deadline = time.monotonic() + _HELD_S
    while True:
        found = joining.serving(folder)
        if found is not None:
            return Running(found, is_ours=False)
        _fetch_jars()
        tell(is_ours=True)
        try:
            return Running(_start(folder), is_ours=True)
        except FolderInUseError:
            tell(is_ours=False)
            if time.monotonic() > deadline:
                raise


def _start(folder: StackFolder) -> StackAddresses:
    note(f"Starting the stack in {folder.path}")
    return background.start(folder, lambda name: note(f"  {name:<{_NAME_WIDTH}} ready"))


def _fetch_jars() -> None:
    # Here and not in the supervisor, so that a person sees the bar and Ctrl-C ends it.
    if GivenServers.of(os.environ).kafka is None:
        JarCache(cache_folder()).fetch(progress.on_stderr())


def _up_attached(folder: StackFolder, *, as_json: bool) -> None:
    # The rest of this module starts a stack in another process and does without its parts.
    from docyard_stack.running import Stack  # noqa: PLC0415

    _fetch_jars()
    logging.basicConfig(format="%(message)s")
    stack = Stack(
        folder,
        environment=os.environ,
        progress=progress.on_stderr(),
        notice=lambda name, took_s: note(f"  {name:<{_NAME_WIDTH}} ready after {took_s:.1f} s"),
    )

    def ready(addresses: StackAddresses) -> None:
        _show(addresses, as_json=as_json)
        note("Press Ctrl-C to stop.")

    note(f"Starting the stack in {folder.path}")
    was_ready = asyncio.run(stack.run(ready))
    note("Stopped.")
    if not was_ready:
        raise typer.Exit(ExitCode.INTERRUPTED)


def _up_detached(folder: StackFolder, *, as_json: bool) -> None:
    if status.is_running(record := folder.load()):
        note(_FOUND[record.phase])
    _show(start_detached(folder).addresses, as_json=as_json)


def _show(addresses: StackAddresses, *, as_json: bool) -> None:
    if as_json:
        data(addresses.model_dump_json())
        return
    lines = {
        "API": f"{addresses.ingest}/docs",
        "Live progress": f"{addresses.notifier}/docs",
        "Dead letters": f"{addresses.dlq_admin}/docs",
        "Metrics": addresses.metrics["ingest"],
    }
    note("")
    for name, address in lines.items():
        data(f"{name:<{_NAME_WIDTH}} {address}")
    note("\nTry: docyard upload FILE --wait")
