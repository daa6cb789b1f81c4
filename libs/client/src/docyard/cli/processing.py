"""`docyard reprocess · cancel · queue · reconcile`: the work itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from docyard.cli.each import each
from docyard.cli.exits import CommandError, Exit
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from docyard.client import AsyncClient
    from docyard.models import Document, Operation, StageQueue
    from docyard.resources.processing import BulkOrder

app = typer.Typer()

Stage = Literal["validate", "extract", "analyze", "index"]
Priority = Literal["critical", "high", "normal", "low"]


State = Annotated[str | None, typer.Option(help="All in this state.")]
Name = Annotated[str | None, typer.Option(help="All with this in their file name.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Document ids.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@command(app)
async def reprocess(  # noqa: PLR0913 - each an option
    session: Session,
    ids: Ids = None,
    *,
    from_stage: Annotated[Stage | None, typer.Option("--from", help="Begin at this stage.")] = None,
    priority: Annotated[Priority | None, typer.Option(help="The lane of the work.")] = None,
    state: State = None,
    name: Name = None,
    older_than: Annotated[
        int | None,
        typer.Option("--pipeline-below", min=1, help="All made by an older pipeline than this."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that have ended.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Process documents once more; what they have is served until the new result is whole."""
    from docyard.resources.documents import DocumentFilter
    from docyard.resources.processing import BulkOrder

    order = BulkOrder(
        only=DocumentFilter(states=[state] if state else [], name=name),
        pipeline_version_below=older_than,
        everything=everything,
        dry_run=dry_run,
        from_stage=from_stage,
        priority=priority,
    )
    narrowed = bool(state or name or older_than or everything)
    _require_choice(ids, narrowed=narrowed, dry_run=dry_run, ways="--pipeline-below")
    async with session.client() as client:
        if ids:
            await _one_by_one(session, client, ids, order)
        else:
            await _many(session, client.processing.reprocess_many, order, REPROCESS, yes=yes)


@command(app)
async def cancel(  # noqa: PLR0913 - each an option
    session: Session,
    ids: Ids = None,
    *,
    state: State = None,
    name: Name = None,
    priority: Annotated[Priority | None, typer.Option(help="All in this lane.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are in work.")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Stop the work on documents; what was stored stays."""
    from docyard.resources.documents import DocumentFilter
    from docyard.resources.processing import BulkOrder

    order = BulkOrder(
        only=DocumentFilter(
            states=[state] if state else [], name=name, priorities=[priority] if priority else []
        ),
        everything=everything,
        dry_run=dry_run,
    )
    narrowed = bool(state or name or priority or everything)
    _require_choice(ids, narrowed=narrowed, dry_run=dry_run, ways="--priority")
    async with session.client() as client:
        if ids:
            await each(session, ids, client.documents.cancel, done="cancel requested")
        else:
            await _many(session, client.processing.cancel_many, order, CANCEL, yes=yes)


@dataclass(frozen=True)
class _Deed:
    """What is done to many, in words."""

    question: str
    done: str


REPROCESS = _Deed("Process all of these documents once more?", "reprocessed")
CANCEL = _Deed("Stop the work on all of these documents?", "cancelled")


def _require_choice(ids: list[str] | None, *, narrowed: bool, dry_run: bool, ways: str) -> None:
    """Raise CommandError unless documents are named either one by one or by what they are."""
    if bool(ids) is narrowed or (ids and dry_run):
        raise CommandError(f"give ids, or --state, --name, {ways} or --all", exit_code=Exit.USAGE)


async def _one_by_one(
    session: Session, client: "AsyncClient", ids: list[str], order: "BulkOrder"
) -> None:
    async def again(document_id: str) -> "Document":
        return await client.processing.reprocess(
            document_id, from_stage=order.from_stage, priority=order.priority
        )

    await each(session, ids, again, done="reprocessing")


async def _many(
    session: Session,
    place: "Callable[[BulkOrder], Awaitable[Operation]]",
    order: "BulkOrder",
    deed: _Deed,
    *,
    yes: bool,
) -> None:
    if not order.dry_run:
        session.confirm(deed.question, yes=yes)
    operation = await place(order)
    if session.output.as_json:
        session.output.value(operation.to_json())
        return
    if operation.dry_run:
        session.output.text(f"{operation.eligible} of {operation.matched} would be {deed.done}")
        return
    session.output.text(str(operation.id))
    session.output.note(
        f"{operation.matched} documents; they go on without this command: docyard operations"
    )


@command(app)
async def queue(
    session: Session,
    document_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Where this document stands.")
    ] = None,
) -> None:
    """Show what waits and what runs, by stage; or a document's place."""
    async with session.client() as client:
        if document_id is not None:
            place = await client.processing.place(document_id)
            shown = place.to_json()
            rows = [(name, "" if value is None else str(value)) for name, value in shown.items()]
        else:
            found = await client.processing.queue()
            shown, rows = found.to_json(), []
    if session.output.as_json:
        session.output.value(shown)
    elif document_id is not None:
        for name, value in rows:
            session.output.text(f"{name:<12}{value}")
    else:
        columns = ("stage", "waiting", "oldest", "running", "slots", "retrying", "dead", "held")
        session.output.table(columns, map(_row, found.stages))
        if found.age_s is not None:
            session.output.note(f"as the processor told it {found.age_s:.0f} s ago")


def _held(stage: "StageQueue") -> str:
    """Say what holds the stage back, beside its slots."""
    if stage.stopped:
        return stage.stopped
    if stage.waiting_for_memory:
        return f"{stage.waiting_for_memory} wait for memory"
    return ""


def _row(stage: "StageQueue") -> tuple[str, ...]:
    return (
        stage.stage,
        str(stage.waiting),
        f"{stage.oldest_s:.1f} s",
        str(stage.running),
        str(stage.slots),
        str(stage.retrying),
        str(stage.dead),
        _held(stage),
    )


@command(app)
async def reconcile(
    session: Session,
    *,
    silent_s: Annotated[
        float, typer.Option("--silent", min=0, help="Only what was silent for so many seconds.")
    ] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Put every unfinished document back to work, after Kafka was lost; safe at any time."""
    async with session.client() as client:
        result = await client.processing.reconcile(silent_s=silent_s, dry_run=dry_run)
    if session.output.as_json:
        session.output.value(result.to_json())
        return
    session.output.text(f"{result.asked} of {result.unfinished} unfinished documents asked for")
