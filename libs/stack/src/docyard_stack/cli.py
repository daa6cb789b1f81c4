"""The commands of the embedded stack: up, status, down, logs, token, demo.

Loaded by the `docyard` command through the entry point group `docyard.commands`.
"""

# Importing the servers' clients takes two seconds, and `docyard --help` loads this module.
# ruff: noqa: PLC0415

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The embedded stack: real servers and the four services on this machine.")

Data = Annotated[
    Path | None,
    typer.Option(
        envvar="DOCYARD_DATA",
        help="Data folder of the stack (default: in the user's data folder).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def up(
    *,
    data: Data = None,
    detach: Annotated[bool, typer.Option(help="Return when everything serves.")] = False,
    as_json: Json = False,
) -> None:
    """Start the servers and the services; a part that dies is started again."""
    from docyard_stack.commands import lifecycle

    lifecycle.up(data, detach=detach, as_json=as_json)


@app.command()
def status(*, data: Data = None, as_json: Json = False) -> None:
    """Show every part: its process, state, port, uptime and restarts."""
    from docyard_stack.commands import inspection

    inspection.status(data, as_json=as_json)


@app.command()
def down(
    *,
    data: Data = None,
    erase: Annotated[bool, typer.Option(help="Delete the data folder afterwards.")] = False,
    as_json: Json = False,
) -> None:
    """Stop everything in order; nothing is left running."""
    from docyard_stack.commands import lifecycle

    lifecycle.down(data, erase=erase, as_json=as_json)


@app.command()
def logs(
    part: Annotated[str | None, typer.Argument(help="postgres, kafka, ingest …")] = None,
    *,
    data: Data = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Wait for more.")] = False,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Of each part.")] = 50,
    as_json: Json = False,
) -> None:
    """Print what the parts wrote."""
    from docyard_stack.commands import inspection

    inspection.logs(part, data, follow=follow, lines=lines, as_json=as_json)


@app.command()
def token(
    *,
    sub: Annotated[str, typer.Option(help="Whom the token speaks for.")],
    role: Annotated[list[str] | None, typer.Option(help="user, operator or admin.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a development token of this stack."""
    from docyard_stack.commands import inspection

    inspection.token(data, subject=sub, roles=role or ["user"], as_json=as_json)


@app.command()
def demo(
    files: Annotated[
        list[Path] | None, typer.Argument(exists=True, help="Your own, instead of our samples.")
    ] = None,
    *,
    data: Data = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack running.")] = False,
) -> None:
    """Upload documents, one of them broken, and show what becomes of each."""
    from docyard_stack.commands import demonstration

    demonstration.demo(data, files or [], keep=keep)
