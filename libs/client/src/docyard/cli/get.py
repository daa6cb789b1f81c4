"""`docyard get`: a document, or what was found in it, to stdout or a file."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from docyard.cli.exits import CommandError, Exit
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import Document, Listing, Model

app = typer.Typer()

What = Literal["text", "original", "pages", "metadata", "entities", "events", "thumbnail"]

_BINARY = frozenset({"original", "thumbnail"})
_LISTS = frozenset({"pages", "entities", "events"})
_SUFFIXES = {"text": "txt", "thumbnail": "webp"}
_PART = 200


@command(app)
async def get(
    session: Session,
    document_id: Annotated[str, typer.Argument(metavar="ID", help="Document id.")],
    what: Annotated[What, typer.Argument(help="Which part of it.")] = "text",
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File, or folder, to write to.")
    ] = None,
) -> None:
    """Write a document, or what was found in it, to stdout or a file."""
    if output is None and what in _BINARY and sys.stdout.isatty():
        raise CommandError(
            "binary data would garble the terminal",
            exit_code=Exit.USAGE,
            advice="Name a file with -o, or pipe it somewhere.",
        )
    async with session.client() as client:
        if output is None:
            async for chunk in _chunks(client, document_id, what):
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        path = output
        if output.is_dir():
            path /= _name(await client.documents.get(document_id), what)
        await _save(client, document_id, what, path=path)
    session.output.note(f"written to {path}")
    if session.output.as_json:
        session.output.value({"document_id": document_id, "artifact": what, "path": str(path)})


async def _save(client: "AsyncClient", document_id: str, what: str, *, path: Path) -> None:
    if what not in _LISTS:
        await client.documents.download(document_id, path, artifact=what)
        return
    chunks = [chunk async for chunk in _chunks(client, document_id, what)]
    path.write_bytes(b"".join(chunks))  # noqa: ASYNC240 - nothing else runs meanwhile


async def _chunks(client: "AsyncClient", document_id: str, what: str) -> AsyncIterator[bytes]:
    if what in _LISTS:
        calls: dict[str, Callable[..., Awaitable[Listing[Any]]]] = {
            "pages": client.documents.pages,
            "entities": client.documents.entities,
            "events": client.documents.events,
        }
        items = [item.to_json() async for item in _all(calls[what], document_id)]
        yield (json.dumps({"items": items}, indent=2, ensure_ascii=False) + "\n").encode()
        return
    async with client.documents.open(document_id, what) as body:
        async for chunk in body.chunks:
            yield chunk


async def _all(
    call: Callable[..., Awaitable["Listing[Any]"]], document_id: str
) -> "AsyncIterator[Model]":
    """Yield every item of a list; a document that is still being read has what it has."""
    cursor = None
    while True:
        part = await call(document_id, limit=_PART, cursor=cursor)
        for item in part.items:
            yield item
        cursor = part.next_cursor
        if cursor is None or not part.items:
            return


def _name(document: "Document", what: str) -> str:
    """Return what a part of *document* is called in a folder, without any folder of its own."""
    name = Path(document.filename.replace("\\", "/")).name
    name = name if name not in {"", ".", ".."} else document.document_id
    return name if what == "original" else f"{name}.{_SUFFIXES.get(what, 'json')}"
