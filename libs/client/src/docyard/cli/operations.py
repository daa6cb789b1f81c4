"""`docyard operations ls · show · pause · resume · cancel`: what is done to many documents."""

from typing import TYPE_CHECKING, Annotated

import typer

from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.models import Operation

app = typer.Typer(
    no_args_is_help=True, help="What reprocess and cancel do to many documents by a filter."
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the operation.")]


@command(app)
async def ls(
    session: Session,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=200, help="At most.")] = 50,
) -> None:
    """List your operations, newest first."""
    async with session.client() as client:
        listing = await client.processing.operations(limit=limit)
    if session.output.as_json:
        session.output.value({"items": [operation.to_json() for operation in listing.items]})
        return
    columns = ("id", "kind", "status", "progress", "matched", "done", "skipped")
    session.output.table(columns, map(_row, listing.items))


@command(app)
async def show(session: Session, operation_id: Id) -> None:
    """Show how far an operation is."""
    async with session.client() as client:
        _tell(session, await client.processing.operation(operation_id))


@command(app)
async def pause(session: Session, operation_id: Id) -> None:
    """Begin no further documents until it is resumed."""
    async with session.client() as client:
        _tell(session, await client.processing.pause(operation_id))


@command(app)
async def resume(session: Session, operation_id: Id) -> None:
    """Go on where it was paused."""
    async with session.client() as client:
        _tell(session, await client.processing.resume(operation_id))


@command(app)
async def cancel(session: Session, operation_id: Id) -> None:
    """End it early; documents that it has begun go on."""
    async with session.client() as client:
        _tell(session, await client.processing.end(operation_id))


def _tell(session: Session, operation: "Operation") -> None:
    shown = operation.to_json()
    if session.output.as_json:
        session.output.value(shown)
        return
    for name, value in shown.items():
        session.output.text(f"{name:<12}{'' if value is None else value}")


def _row(operation: "Operation") -> tuple[str, ...]:
    return (
        str(operation.id),
        operation.kind or "",
        operation.status,
        f"{operation.progress:.0f} %",
        str(operation.matched),
        str(operation.done),
        str(sum(operation.skipped.values())),
    )
