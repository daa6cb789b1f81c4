"""`docyard dlq …`: documents that could not be processed, for operators."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from docyard.cli.each import each
from docyard.cli.exits import CommandError, Exit
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import DeadLetter
    from docyard.resources.dead_letters import DeadLetterFilter

app = typer.Typer(no_args_is_help=True, help="Dead letters: find, understand, replay, discard.")

_MAX_PAGE = 200

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Dead letter ids.")]
Group = Annotated[str | None, typer.Option(help="Fingerprint of a group.")]
Stage = Annotated[str | None, typer.Option(help="Only of this stage.")]
Reason = Annotated[str | None, typer.Option(help="Only with this reason.")]
Because = Annotated[str | None, typer.Option(help="Why you do it; it goes into the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@command(app)
async def groups(session: Session) -> None:
    """Group dead letters by what they died of, with counts."""
    async with session.client() as client:
        found = await client.dlq.groups()
    if session.output.as_json:
        session.output.value(found.to_json())
        return
    session.output.table(
        ("fingerprint", "count", "stage", "reason", "last seen"),
        (
            (
                group.fingerprint,
                str(group.count),
                group.stage or "",
                group.reason,
                f"{group.last_seen:%Y-%m-%d %H:%M}" if group.last_seen else "",
            )
            for group in found.items
        ),
    )


@command(app)
async def ls(  # noqa: PLR0913 - each one is an option that a person may give
    session: Session,
    *,
    group: Group = None,
    stage: Stage = None,
    reason: Reason = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    document: Annotated[str | None, typer.Option(help="Only of this document.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 50,
) -> None:
    """List dead letters, newest first."""
    from docyard.resources.dead_letters import DeadLetterFilter

    only = DeadLetterFilter(
        fingerprint=group,
        stage=stage,
        reason=reason,
        states=[state] if state else [],
        document_id=document,
    )
    async with session.client() as client:
        items = await _some(client, only, limit=limit)
    if session.output.as_json:
        session.output.value({"items": [entry.to_json() for entry in items]})
        return
    session.output.table(
        ("dead letter id", "state", "stage", "reason", "replays", "document id"),
        (
            (
                entry.id,
                entry.state,
                entry.stage or "",
                entry.reason,
                str(entry.replay_count),
                entry.document_id or "",
            )
            for entry in items
        ),
    )


async def _some(
    client: "AsyncClient", only: "DeadLetterFilter", *, limit: int
) -> list["DeadLetter"]:
    items: list[DeadLetter] = []
    cursor = None
    while len(items) < limit:
        part = await client.dlq.list(only, limit=min(limit - len(items), _MAX_PAGE), cursor=cursor)
        items += part.items
        cursor = part.next_cursor
        if cursor is None:
            break
    return items


@command(app)
async def show(
    session: Session,
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="Dead letter id.")],
) -> None:
    """Show a dead letter: what it died of, every attempt, every replay."""
    async with session.client() as client:
        entry = await client.dlq.get(entry_id)
    if session.output.as_json:
        session.output.value(entry.to_json())
        return
    error = entry.error or {}
    facts = {
        "dead letter": entry.id,
        "state": entry.state,
        "document": entry.document_id,
        "owner": entry.owner,
        "stage": entry.stage,
        "reason": entry.reason,
        "error": error.get("message"),
        "class": error.get("class"),
        "replays": str(entry.replay_count),
        "first failed": entry.first_failed_at and entry.first_failed_at.isoformat(),
        "last failed": entry.last_failed_at and entry.last_failed_at.isoformat(),
        "group": entry.fingerprint,
    }
    for name, value in facts.items():
        if value:
            session.output.text(f"{name:<14}{value}")
    for attempt in entry.attempts:
        session.output.text(
            f"{'attempt':<14}{attempt.at.isoformat()} {attempt.kind} {attempt.reason}"
        )
    for replay in entry.replays:
        result = replay.result or "not known yet"
        session.output.text(
            f"{'replay':<14}{replay.replay_id} {replay.outcome}, {result}, by {replay.actor}"
        )


@command(app)
async def export(
    session: Session,
    *,
    group: Group = None,
    stage: Stage = None,
    reason: Reason = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
) -> None:
    """Write dead letters as lines of JSON, each whole."""
    from docyard.resources.dead_letters import DeadLetterFilter

    only = DeadLetterFilter(
        fingerprint=group, stage=stage, reason=reason, states=[state] if state else []
    )
    async with session.client() as client:
        async for line in client.dlq.export(only):
            session.output.raw_line(line)


@command(app)
async def discard(  # noqa: PLR0913 - each one is an option that a person may give
    session: Session,
    ids: Ids = None,
    *,
    because: Because = None,
    group: Group = None,
    stage: Stage = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Put dead letters aside for good reason; `restore` brings them back."""
    if not because:
        raise CommandError("--because must say why", exit_code=Exit.USAGE)
    async with session.client() as client:
        chosen = ids or await _open_ids(client, selection(group=group, stage=stage, reason=reason))
        if not changes(session, chosen, verb="discard", dry_run=dry_run, yes=yes):
            return
        await each(
            session, chosen, lambda id_: client.dlq.discard(id_, reason=because), done="discarded"
        )


@command(app)
async def restore(
    session: Session,
    ids: Ids = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Bring discarded dead letters back."""
    if not ids:
        raise CommandError("name the dead letters to restore", exit_code=Exit.USAGE)
    if not changes(session, ids, verb="restore", dry_run=dry_run, yes=yes):
        return
    async with session.client() as client:
        await each(session, ids, client.dlq.restore, done="restored")


def selection(*, group: str | None, stage: str | None, reason: str | None) -> "DeadLetterFilter":
    """Return the filter that was given. Raises CommandError where that would be everything."""
    from docyard.resources.dead_letters import DeadLetterFilter

    only = DeadLetterFilter(fingerprint=group, stage=stage, reason=reason)
    if not only.conditions():
        raise CommandError(
            "that would be every dead letter",
            exit_code=Exit.USAGE,
            advice="Name ids, or narrow it with --group, --stage or --reason.",
        )
    return only


def changes(session: Session, ids: list[str], *, verb: str, dry_run: bool, yes: bool) -> bool:
    """Say whether to go on; a dry run is reported here, a person may be asked."""
    if dry_run or not ids:
        session.output.note(f"would {verb} {len(ids)}")
        if session.output.as_json:
            items = [{"id": id_, "outcome": f"would {verb}"} for id_ in ids]
            session.output.value({"dry_run": dry_run, "items": items})
        return False
    session.confirm(f"{verb.capitalize()} {len(ids)} of them?", yes=yes or len(ids) == 1)
    return True


async def _open_ids(client: "AsyncClient", only: "DeadLetterFilter") -> list[str]:
    cursor = None
    ids: list[str] = []
    while True:
        part = await client.dlq.list(replace(only, states=["open"]), limit=_MAX_PAGE, cursor=cursor)
        ids += [entry.id for entry in part.items]
        cursor = part.next_cursor
        if cursor is None:
            return ids
