"""`docyard demo`."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from docyard import Client, DocyardError, Wanted, resolve
from docyard_stack import samples, status, stopping
from docyard_stack.addresses import StackAddresses
from docyard_stack.commands.lifecycle import start_detached
from docyard_stack.commands.output import failing_well, folder_of, note
from docyard_stack.demo.story import Story
from docyard_stack.demo.terminal import Terminal
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder
from docyard_stack.record import Phase


def demo(path: Path | None, files: Sequence[Path], *, keep: bool) -> None:
    """Start the stack if needed, tell the story, stop what was started unless *keep*."""
    folder = folder_of(path)
    with failing_well(), ExitStack() as afterwards:
        if not (keep or _is_anothers(folder)):
            afterwards.callback(_stop, folder)
        running = start_detached(folder)
        if not running.is_ours:
            afterwards.pop_all()
        try:
            _tell(folder, running.addresses, files, stays=keep or not running.is_ours)
        except DocyardError as error:
            raise StackError(str(error)) from error


def _is_anothers(folder: StackFolder) -> bool:
    record = folder.load()
    return status.is_running(record) and record.phase is not Phase.STOPPING


def _tell(
    folder: StackFolder, addresses: StackAddresses, files: Sequence[Path], *, stays: bool
) -> None:
    endpoints = resolve(Wanted(data=folder.path), environment={})
    with TemporaryDirectory(prefix="docyard-demo-") as name, Client(endpoints) as client:
        terminal = Terminal(data=folder.path, workplace=Path(name))
        story = Story(terminal, client)
        if files:
            story.tell_with([file.resolve() for file in files])
        else:
            story.tell(samples.demo(Path(name)))
        story.end(addresses, stays=stays)


def _stop(folder: StackFolder) -> None:
    note("\nStopping what the demo started")
    stopping.stop(folder)
