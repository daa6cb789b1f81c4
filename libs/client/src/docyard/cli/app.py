"""The `docyard` command: puts the commands together."""

from importlib import metadata
from typing import Annotated

import typer

from docyard.cli import (
    dead_letters,
    doctor,
    documents,
    folder_jobs,
    get,
    graph,
    operations,
    processing,
    replays,
    upload,
    watch,
)
from docyard.cli.plugins import OpenGroup

app = typer.Typer(
    cls=OpenGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (upload.app, documents.app, processing.app, get.app, watch.app, doctor.app):
    app.registered_commands += part.registered_commands
dead_letters.app.registered_commands += replays.app.registered_commands
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(folder_jobs.app, name="sync")
app.add_typer(graph.app, name="graph")
app.add_typer(operations.app, name="operations")


def _version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("docyard"))
        raise typer.Exit


@app.callback()
def docyard(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Upload documents, watch them being read, and search what is in them."""
    del version
