"""How the stack's commands speak and how they end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import typer

from docyard_stack.errors import FolderInUseError, StackError
from docyard_stack.folder import StackFolder, default_folder


class ExitCode(IntEnum):
    """The exit codes of `docyard` that the stack's commands use."""

    ERROR = 1
    NOT_FOUND = 3
    CONFLICT = 5
    INTERRUPTED = 130


def note(text: str) -> None:
    """Tell a person something; never data."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def data(text: str) -> None:
    """Print what was asked for."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def folder_of(path: Path | None) -> StackFolder:
    return StackFolder(path or default_folder())


@contextmanager
def failing_well() -> Iterator[None]:
    """Turn a StackError into one sentence and an exit code."""
    try:
        yield
    except FolderInUseError as error:
        note(f"Error: {error}")
        raise typer.Exit(ExitCode.CONFLICT) from None
    except StackError as error:
        note(f"Error: {error}")
        raise typer.Exit(ExitCode.ERROR) from None
