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
    rate: Annotated[float | None, typer.Option(min=0.01, help="So many a second.")] = None,
    max_: Annotated[int | None, typer.Option("--max", min=1, help="At most so many.")] = None,
    dry_run: DryRun = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Until all have been sent.")] = False,
    yes: Yes = False,
) -> None:
    """Send dead letters back to work. Whether that cured them, `dlq ls` and `show` tell."""
    from docyard.resources.dead_letters import ReplayOrder

    only = None if ids else selection(group=group, stage=stage, reason=reason)
    if only is not None and not because:
        raise CommandError("a replay by filter must say --because", exit_code=Exit.USAGE)
    order = ReplayOrder(
        entry_ids=tuple(ids or ()),
        only=only,
        dry_run=dry_run,
        rate_per_s=rate,
        max=max_,
        reason=because,
    )
    async with session.client() as client:
        if only is not None and not dry_run:
            scope = await client.dlq.replay(
                replace(order, dry_run=True, idempotency_key=str(uuid4()))
            )
            session.confirm(f"Replay {scope.matched} dead letters?", yes=yes)
        await _start(session, client, order, wait=wait)


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
