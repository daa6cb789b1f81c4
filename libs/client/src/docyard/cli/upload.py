"""`docyard upload`: files, folders and stdin, several at a time, with one bar each."""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, cast

import typer

from docyard.cli.board import board
from docyard.cli.delivery import Delivery
from docyard.cli.each import exit_of_many
from docyard.cli.exits import CommandError, Exit
from docyard.cli.options import Options, parsed
from docyard.cli.sending import Manner, Sending
from docyard.cli.session import Session, command
from docyard.cli.stdin import StandardInput

app = typer.Typer()

STDIN = "-"


@command(app)
async def upload(  # noqa: PLR0913 - each one is an option that a person may give
    session: Session,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, patterns, folders (-r), - for stdin."),
    ],
    *,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Enter folders.")] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until each has ended.")] = False,
    priority: Annotated[
        Literal["critical", "high", "normal", "low"], typer.Option(help="Which lane to wait in.")
    ] = "normal",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="At a time.")] = 4,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", min=0.0, help="Seconds to wait for, with --wait.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="File name of what comes from stdin.")] = None,
    option: Options = None,
    via: Annotated[
        Literal["simple", "chunked", "presigned"] | None,
        typer.Option(help="The one way for all; else the best one by size and reach of the store."),
    ] = None,
) -> None:
    """Upload documents; with --wait, follow each until it can be searched.

    Large files go in parts, straight into the store where it can be reached. After Ctrl-C or a lost
    network, the same command goes on where it was.
    """
    from docyard.sessions import UploadPolicy

    if STDIN in paths and via not in {None, "simple"}:
        raise CommandError(
            "stdin goes in one request: it can not be read twice", exit_code=Exit.USAGE
        )
    unread: list[OSError] = []
    sources = _found(paths, unread, recursive=recursive)
    said = {"priority": priority, "processing_options": parsed(option)}
    deliveries = [_delivery(path, said, stdin_name=name) for path in sources]
    deliveries += [_unread(folder) for folder in unread]
    manner = Manner(jobs=jobs, wait=wait, timeout_s=timeout_s)
    try:
        async with session.client(UploadPolicy(via=via)) as client:
            with board(session.output) as rows:
                await Sending(client, rows, manner, deliveries).run()
    finally:
        _tell(session, deliveries)
    unsent = sum(not delivery.accepted for delivery in deliveries)
    if unsent and len(deliveries) > 1:
        session.output.note(f"{unsent} of {len(deliveries)} were not sent")
    failures = [delivery.failed for delivery in deliveries if delivery.failed]
    raise typer.Exit(exit_of_many(failures, of=len(deliveries)))


def _tell(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Write what is known, even when interrupted: ids that are accepted must not be lost."""
    if session.output.as_json:
        session.output.value({"items": [delivery.to_json() for delivery in deliveries]})
        return
    rows = (delivery for delivery in deliveries if delivery.accepted)
    session.output.table(
        ("document id", "state", "name", "sha256"),
        ((row.document_id, row.state, row.name, row.sha256) for row in rows),
    )


def _found(paths: Sequence[str], unread: list[OSError], *, recursive: bool) -> list[str]:
    """Return every file meant, and add folders that can not be read to *unread*.

    Raises CommandError for what is not there, before any is sent.
    """
    found: list[str] = []
    for path in paths:
        if path != STDIN and os.path.isdir(path):  # noqa: PTH112 - "-" is no path
            if not recursive:
                raise CommandError(
                    f"{path} is a folder", exit_code=Exit.USAGE, advice="Say -r to enter it."
                )
            found += _files(path, unread)
        elif path == STDIN or os.path.exists(path):  # noqa: PTH110
            found.append(path)
        elif matches := _matching(path):
            found += matches
        else:
            raise CommandError(f"{path} is not there", exit_code=Exit.USAGE)
    if not found and not unread:
        raise CommandError("there is no file in it", exit_code=Exit.USAGE)
    return found


def _matching(pattern: str) -> list[str]:
    """Return the files that a pattern means which no shell has expanded; `**` enters folders."""
    matches = (Path(path) for path in sorted(glob.glob(pattern, recursive=True)))  # noqa: PTH207
    return [str(path) for path in matches if path.is_file()]


def _files(folder: str, unread: list[OSError]) -> Iterator[str]:
    """Yield regular files below *folder* in order, without hidden ones and linked folders."""
    for root, folders, names in os.walk(folder, onerror=unread.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (Path(root, name) for name in sorted(names) if not name.startswith("."))
        yield from (str(file) for file in files if file.is_file())


def _delivery(path: str, said: Mapping[str, Any], *, stdin_name: str | None) -> Delivery:
    from docyard.uploads import Upload

    if path != STDIN:
        return Delivery(path, Upload(Path(path), **said))
    source = StandardInput()
    name = stdin_name or f"stdin.{_suffix(source)}"
    return Delivery(name, Upload(cast("BinaryIO", source), filename=name, **said))


def _unread(folder: OSError) -> Delivery:
    """Stand for all that is in a folder which can not be read."""
    from docyard.uploads import Upload

    path = str(folder.filename)
    return Delivery(path, Upload(Path(path)), failure=folder)


_SUFFIXES = ((b"%PDF", "pdf"), (b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpg"))


def _suffix(file: StandardInput) -> str:
    """Return the suffix of what *file* begins with: a stream has no name that tells."""
    head = file.beginning(4)
    return next((suffix for magic, suffix in _SUFFIXES if head.startswith(magic)), "txt")
