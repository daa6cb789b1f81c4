"""`docyard status`, `docyard logs` and `docyard token`."""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from docyard_stack import status as statuses
from docyard_stack import tokens
from docyard_stack.commands.output import ExitCode, data, failing_well, folder_of, note
from docyard_stack.folder import StackFolder
from docyard_stack.logs import LogFile, LogLine
from docyard_stack.logs import follow as follow_files
from docyard_stack.status import PartStatus

_NAME_WIDTH: Final = 12


def status(path: Path | None, *, as_json: bool) -> None:
    """Print the parts; exits 3 when no stack runs in that folder."""
    folder = folder_of(path)
    found = statuses.parts(folder)
    if as_json:
        data(json.dumps({"parts": [part.as_json() for part in found]}))
    elif found:
        _print_table(found)
    if not statuses.is_running(folder.load()):
        note(f"No stack is running in {folder.path}; start one with 'docyard up'.")
        raise typer.Exit(ExitCode.NOT_FOUND)


def logs(part: str | None, path: Path | None, *, follow: bool, lines: int, as_json: bool) -> None:
    """Print the last lines of one part or of all; exits 3 when there is no such log."""
    folder = folder_of(path)
    paths = _log_paths(folder, part)
    if not paths:
        note(f"There is no log of {part or 'any part'} in {folder.path}.")
        raise typer.Exit(ExitCode.NOT_FOUND)
    files = [LogFile(each) for each in paths]
    for file in files:
        for line in file.last(lines):
            _print_line(line, as_json=as_json)
    if follow:
        with contextlib.suppress(KeyboardInterrupt):
            for line in follow_files(files):
                _print_line(line, as_json=as_json)


def token(path: Path | None, *, subject: str, roles: Sequence[str], as_json: bool) -> None:
    """Print a token; exits 3 when the folder never held a stack."""
    folder = folder_of(path)
    record = folder.load()
    if record is None:
        note(f"There is no stack in {folder.path}; start one with 'docyard up'.")
        raise typer.Exit(ExitCode.NOT_FOUND)
    with failing_well():
        made = tokens.development_token(
            tokens.secret(record, os.environ), subject=subject, roles=roles
        )
    answer = {"token": made, "sub": subject, "roles": list(roles)}
    data(json.dumps(answer) if as_json else made)


def _print_table(found: Sequence[PartStatus]) -> None:
    table = Table(box=None)
    for column in ("part", "state", "pid", "port", "uptime", "restarts"):
        table.add_column(column)
    for part in found:
        uptime = "" if part.uptime_s is None else f"{part.uptime_s:.0f} s"
        cells = (part.name, part.state, part.pid or "", part.port or "", uptime, part.restarts)
        table.add_row(*(str(cell) for cell in cells))
    Console().print(table)


def _log_paths(folder: StackFolder, part: str | None) -> list[Path]:
    if part is not None:
        return [folder.log(part)] if folder.log(part).exists() else []
    return sorted(folder.log("any").parent.glob("*.log"))


def _print_line(line: LogLine, *, as_json: bool) -> None:
    data(line.as_json() if as_json else f"{line.part:<{_NAME_WIDTH}} {line.as_text()}")
