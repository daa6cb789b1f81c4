"""`docyard ls · show · search · rm`: documents that are there already."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from docyard.cli.each import each
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import Document, Hit
    from docyard.resources.documents import DocumentFilter

app = typer.Typer()

_MAX_PAGE = 200

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Document ids.")]


@command(app)
async def ls(
    session: Session,
    *,
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
    name: Annotated[str | None, typer.Option(help="Part of the file name.")] = None,
    document_type: Annotated[
        str | None, typer.Option("--type", help="Only invoice, contract, letter, report …")
    ] = None,
    parent: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what was found inside this document.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 50,
) -> None:
    """List your documents, newest first."""
    from docyard.resources.documents import DocumentFilter

    async with session.client() as client:
        items = await _some(
            client,
            DocumentFilter(
                states=[state] if state else [],
                document_types=[document_type] if document_type else [],
                name=name,
                parent_id=parent,
            ),
            limit=limit,
        )
    if session.output.as_json:
        session.output.value({"items": [document.to_json() for document in items]})
        return
    session.output.table(
        ("document id", "state", "done", "size", "created", "name"), map(_row, items)
    )


async def _some(client: "AsyncClient", only: "DocumentFilter", *, limit: int) -> list["Document"]:
    items: list[Document] = []
    cursor = None
    while len(items) < limit:
        part = await client.documents.list(
            only, limit=min(limit - len(items), _MAX_PAGE), cursor=cursor
        )
        items += part.items
        cursor = part.next_cursor
        if cursor is None:
            break
    return items


def _row(document: "Document") -> tuple[str, ...]:
    return (
        document.document_id,
        document.state,
        f"{document.progress:.0f}%",
        size(document.size_bytes),
        f"{document.created_at:%Y-%m-%d %H:%M}",
        document.filename,
    )


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:  # noqa: PLR2004 - the step of the units
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


@command(app)
async def show(
    session: Session,
    document_id: Annotated[str, typer.Argument(metavar="ID", help="Document id.")],
) -> None:
    """Show a document: its state, how far it is, and why it failed."""
    async with session.client() as client:
        document = await client.documents.get(document_id)
    if session.output.as_json:
        session.output.value(document.to_json())
        return
    for name, value in _facts(document):
        session.output.text(f"{name:<12}{value}")


def _facts(document: "Document") -> list[tuple[str, str]]:
    facts = [
        ("document", document.document_id),
        ("name", document.filename),
        ("state", document.state),
        ("progress", f"{document.progress:.0f}%"),
        ("stage", document.stage or ""),
        ("pages", _pages_so_far(document)),
        ("left", "" if document.eta_s is None else f"{document.eta_s:.0f} s"),
        ("type", document.content_type or ""),
        ("kind", document.document_type or ""),
        ("size", size(document.size_bytes)),
        ("sha256", document.sha256 or ""),
        ("priority", document.priority),
        ("inside of", document.parent_id or ""),
        ("children", str(document.children_count) if document.children_count else ""),
        ("created", document.created_at.isoformat()),
        ("ended", document.completed_at.isoformat() if document.completed_at else ""),
    ]
    if document.error:
        facts += [("error", document.error.code), ("", document.error.message)]
    return [(name, value) for name, value in facts if value]


def _pages_so_far(document: "Document") -> str:
    done, total = document.pages_done, document.pages_total
    if total is None:
        return ""
    return str(total) if document.is_terminal or done is None else f"{done} of {total}"


@command(app)
async def search(
    session: Session,
    query: Annotated[str, typer.Argument(help="What to look for, in plain words.")],
    *,
    mode: Annotated[
        Literal["hybrid", "text", "semantic"], typer.Option(help="By words, by meaning, or both.")
    ] = "hybrid",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100)] = 10,
    document: Annotated[str | None, typer.Option(help="Only in this document.")] = None,
    document_type: Annotated[
        str | None, typer.Option("--type", help="Only in invoices, contracts, letters …")
    ] = None,
) -> None:
    """Search your documents; answers name the page."""
    async with session.client() as client:
        result = await client.search(
            query, mode=mode, limit=limit, document_id=document, document_type=document_type
        )
    if session.output.as_json:
        session.output.value(result.to_json())
        return
    for hit in result.items:
        session.output.text(f"{hit.filename}, {_pages(hit)}  ({hit.document_id})")
        session.output.text(f"    {' '.join(hit.snippet.split())}")
    if not result.items:
        session.output.note("Nothing found.")


def _pages(hit: "Hit") -> str:
    if hit.page_first == hit.page_last:
        return f"page {hit.page_first}"
    return f"pages {hit.page_first}-{hit.page_last}"


@command(app)
async def rm(
    session: Session,
    ids: Ids,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Erase documents and everything derived from them, for good."""
    what = ids[0] if len(ids) == 1 else f"{len(ids)} documents"
    session.confirm(f"Erase {what} for good?", yes=yes)
    async with session.client() as client:
        await each(session, ids, client.documents.delete, done="erased")
