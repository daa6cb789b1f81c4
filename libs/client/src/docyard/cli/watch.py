"""`docyard watch`: follow documents until they have ended."""

from typing import TYPE_CHECKING, Annotated

import typer

from docyard.cli.board import Board, board, stage_text
from docyard.cli.delivery import failure_of, last_word
from docyard.cli.each import exit_of_many
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import Document, Progress

app = typer.Typer()

NEWEST = 100
"""Documents that are looked through for unfinished ones when none is named."""


@command(app)
async def watch(
    session: Session,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Default: all unfinished ones.")
    ] = None,
    *,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", min=0.0, help="Seconds to wait for.")
    ] = None,
) -> None:
    """Follow documents until each has completed, failed or been cancelled."""
    async with session.client() as client:
        documents = await _meant(client, ids or [])
        if not documents:
            session.output.note("Nothing is on its way.")
        with board(session.output) as rows:
            last = await _follow(session, client, documents, rows=rows, timeout_s=timeout_s)
    failures = [failure for update in last.values() if (failure := failure_of(update))]
    if session.output.as_json:
        items = [update.to_json() for update in last.values()]
        session.output.line({"type": "result", "items": items})
    else:
        session.output.table(
            ("document id", "state", "name"),
            ((id_, update.state, documents[id_].filename) for id_, update in last.items()),
        )
    raise typer.Exit(exit_of_many(failures, of=len(documents)))


async def _meant(client: "AsyncClient", ids: list[str]) -> "dict[str, Document]":
    if ids:
        named = [await client.documents.get(id_) for id_ in ids]
        return {document.document_id: document for document in named}
    newest = (await client.documents.list(limit=NEWEST)).items
    return {document.document_id: document for document in newest if not document.is_terminal}


async def _follow(
    session: Session,
    client: "AsyncClient",
    documents: "dict[str, Document]",
    *,
    rows: Board,
    timeout_s: float | None,
) -> "dict[str, Progress]":
    last: dict[str, Progress] = {}
    for id_, document in documents.items():
        rows.add(id_, document.filename)
    async for update in client.watch(documents, timeout_s=timeout_s):
        id_ = update.document_id
        last[id_] = update
        if session.output.as_json:
            session.output.line({"type": "progress"} | update.to_json())
        if update.is_terminal:
            rows.end(id_, last_word(update), good=failure_of(update) is None)
        else:
            rows.show(id_, update.progress / 100, stage_text(update))
    return last
