"""`docyard dlq replay`: dead letters go back to work, once, and are followed there."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from docyard.cli.dead_letters import Because, DryRun, Group, Ids, Reason, Stage, Yes, selection
from docyard.cli.exits import CommandError, Exit
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import Replay
    from docyard.resources.dead_letters import ReplayOrder

app = typer.Typer()

POLL_S = 0.5
"""Seconds between two looks at a replay that somebody waits for."""


@command(app)
async def replay(  # noqa: PLR0913 - each one is an option that a person may give
    session: Session,
    ids: Ids = None,
    *,
    group: Group = None,
    stage: Stage = None,
    reason: Reason = None,
    because: Because = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="So many a second.")] = None,
    max_: Annotated[int | None, typer.Option("--max", min=1, help="At most so many.")] = None,
    dry_run: DryRun = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until all have been sent.")] = False,
    yes: Yes = False,
) -> None:
    """Send dead letters back to work. Whether that cured them, `dlq ls` and `show` tell."""
    order = replace(
        _order(ids or [], group=group, stage=stage, reason=reason),
        dry_run=dry_run,
        rate_per_s=rate,
        max=max_,
        reason=because,
    )
    if len(order.entry_ids) != 1 and not (because or dry_run):
        raise CommandError("--because must say why", exit_code=Exit.USAGE)
    async with session.client() as client:
        if len(order.entry_ids) != 1 and not dry_run:
            question = replace(order, dry_run=True, idempotency_key=str(uuid4()))
            scope = await client.dlq.replay(question)
            session.confirm(f"Replay {scope.matched} dead letters?", yes=yes)
        await _start(session, client, order, wait=wait)


def _order(
    ids: list[str], *, group: str | None, stage: str | None, reason: str | None
) -> "ReplayOrder":
    """Return an order for what was chosen. Raises CommandError for everything, or two choices."""
    from docyard.resources.dead_letters import ReplayOrder

    if sum(map(bool, (ids, group, stage or reason))) > 1:
        raise CommandError(
            "choose by ids, by --group, or by --stage and --reason", exit_code=Exit.USAGE
        )
    if ids:
        return ReplayOrder(entry_ids=tuple(ids))
    if group:
        return ReplayOrder(group=group)
    return ReplayOrder(only=selection(group=None, stage=stage, reason=reason))


async def _start(
    session: Session, client: "AsyncClient", order: "ReplayOrder", *, wait: bool
) -> None:
    started = await client.dlq.replay(order)
    while wait and not started.is_terminal:
        await asyncio.sleep(POLL_S)
        started = await client.dlq.get_replay(started.id)
    if session.output.as_json:
        session.output.value(started.to_json())
    else:
        session.output.text(f"{started.id}\t{started.status}\t{_counts(started)}")
    if started.status in {"failed", "cancelled"}:
        raise typer.Exit(Exit.FAILED)


def _counts(replay: "Replay") -> str:
    skipped = sum(replay.skipped.values())
    verb = "would move" if replay.dry_run else "moved"
    moved = replay.matched - skipped if replay.dry_run else replay.moved
    return f"matched {replay.matched}, {verb} {moved}, skipped {skipped}, failed {replay.failed}"
