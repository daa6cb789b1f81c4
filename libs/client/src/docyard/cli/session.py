"""What every command of the `docyard` command line shares: options, connection, manners."""

import asyncio
import functools
import inspect
import json
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

import typer

from docyard.cli.exits import Exit, advice_of, error_json, exit_of, field_lines
from docyard.cli.output import Output
from docyard.errors import DocyardError

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.sessions import UploadPolicy

_Own = ParamSpec("_Own")
_PANEL = "Connection"

DEBUG = "DOCYARD_DEBUG"
"""Environment variable with which a defect shows where it is."""


def _everywhere(
    *,
    json: Annotated[bool, typer.Option("--json", help="Write JSON instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only data and errors.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Address of Docyard [DOCYARD_URL].", rich_help_panel=_PANEL)
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Access token [DOCYARD_TOKEN].", rich_help_panel=_PANEL)
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of a local stack [DOCYARD_DATA].", rich_help_panel=_PANEL),
    ] = None,
) -> "Session":
    """Turn the options that every command takes into a session."""
    return Session(Output(as_json=json, quiet=quiet), url=url, token=token, data=data)


@dataclass(frozen=True)
class Session:
    """One run of one command."""

    output: Output
    url: str | None = None
    token: str | None = None
    data: Path | None = None

    def client(self, uploads: "UploadPolicy | None" = None) -> "AsyncClient":
        """Return a client, to be used as a context. Raises ConfigurationError."""
        from docyard.client import AsyncClient
        from docyard.endpoints import Wanted, resolve

        endpoints = resolve(Wanted(url=self.url, token=self.token, data=self.data))
        return AsyncClient(endpoints, uploads=uploads)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Return when a person agrees, or has agreed by `--yes`; else end the command."""
        if yes:
            return
        if not os.isatty(0):
            self.output.complain(f"{question} Nobody is here to answer: say it with --yes.")
            raise typer.Exit(Exit.USAGE)
        if not _ask(question):
            raise typer.Exit(Exit.ERROR)


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[Concatenate[Session, _Own], Awaitable[None]]], Callable[..., None]]:
    """Add a coroutine to *app*; it gets a Session first, its command gets `--json` and the rest."""

    def add(run: Callable[Concatenate[Session, _Own], Awaitable[None]]) -> Callable[..., None]:
        return app.command(name or run.__name__)(_connected(run))

    return add


class InterruptedByUserError(Exception):
    """Ctrl-C has ended the work of a command."""


def _connected(run: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    shared = inspect.signature(_everywhere).parameters
    own = [*inspect.signature(run).parameters.values()][1:]

    @functools.wraps(run)
    def call(**options: Any) -> None:
        session = _everywhere(**{option: options.pop(option) for option in shared})
        try:
            asyncio.run(_run(run(session, **options)))
        except (KeyboardInterrupt, InterruptedByUserError, InterruptedError):
            session.output.complain("docyard: interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from None
        except (DocyardError, OSError) as error:
            _report(session.output, error)
            raise typer.Exit(exit_of(error)) from None
        except typer.Exit:
            raise
        except Exception as error:
            if DEBUG in os.environ:
                raise
            session.output.complain(f"docyard: a defect of this program: {error!r}")
            session.output.complain(f"  Please report it with what {DEBUG}=1 prints.")
            raise typer.Exit(Exit.ERROR) from None

    keyword = [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]
    call.__signature__ = inspect.Signature([*keyword, *shared.values()])  # type: ignore[attr-defined]
    call.__annotations__ = {option.name: option.annotation for option in [*own, *shared.values()]}
    return call


def _ask(question: str) -> bool:
    # The event loop turns the first Ctrl-C into a cancellation, which a waiting read never sees.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, handler)


async def _run(work: Awaitable[None]) -> None:
    """Await *work*; Ctrl-C cancels it. Raises InterruptedByUserError when it has ended by that.

    The handler is the loop's own because only that one wakes the loop. The handler of `asyncio.run`
    leaves a signal that comes just before the loop goes to sleep until something else wakes it.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGINT, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        raise InterruptedByUserError from None
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _report(output: Output, error: Exception) -> None:
    if isinstance(error, BrokenPipeError):
        raise error
    if output.as_json:
        output.complain(json.dumps({"error": error_json(error)}, ensure_ascii=False))
        return
    output.complain(f"docyard: {error}")
    for line in field_lines(error):
        output.complain(line)
    if advice := advice_of(error):
        output.complain(f"  {advice}")
    trace_id = error_json(error).get("trace_id")
    if trace_id:
        output.complain(f"  trace id: {trace_id}")
