"""`docyard demo`."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from docyard import Client, DocyardError, Wanted, resolve
from docyard_stack import samples, stopping
from docyard_stack.addresses import StackAddresses
from docyard_stack.commands.lifecycle import start_detached
from docyard_stack.commands.output import failing_well, folder_of, note
from docyard_stack.demo.story import Story
from docyard_stack.demo.terminal import Terminal
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder


def demo(path: Path | None, files: Sequence[Path], *, keep: bool) -> None:
    """Start the stack if needed, tell the story, stop what was started unless *keep*."""
    folder = folder_of(path)
    with failing_well(), ExitStack() as afterwards:
        ours = _Ours(folder)
        if not keep:
            afterwards.callback(ours.stop)
        running = start_detached(folder, owns=ours.tell)
        try:
            _tell(folder, running.addresses, files, stays=keep or not running.is_ours)
        except DocyardError as error:
            raise StackError(str(error)) from error


class _Ours:
    """Stops what this command has started, and nothing else."""

    def __init__(self, folder: StackFolder) -> None:
        self._folder = folder
        self._is_ours = False

    def tell(self, *, is_ours: bool) -> None:
        self._is_ours = is_ours

    def stop(self) -> None:
        if self._is_ours:
            note("\nStopping what the demo started")
            stopping.stop(self._folder)


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
