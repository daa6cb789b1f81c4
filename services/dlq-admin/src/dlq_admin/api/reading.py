"""What routes read: one transaction each, rows turned into answers."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from dlq_admin.api import models, views
from dlq_admin.domain import cursors
from dlq_admin.domain.entries import UNRESOLVED, EntryFilter
from dlq_admin.errors import NotFoundError
from dlq_admin.tables import audit, entries, replays, reports
from docyard_common.clock import Clock
from docyard_common.database import Database

_EXPORT_PAGE: Final = 100
_MAX_DIGITS: Final = 18
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


class Reading:
    """Answers questions about dead letters; *owner* narrows to one person's documents."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def entries(
        self, where: EntryFilter, *, cursor: str | None, limit: int
    ) -> models.Page[models.EntrySummary]:
        """Return a page, newest first. Raises InvalidCursorError."""
        after = cursors.decode_with_id(cursor) if cursor else None
        async with self._database.transaction() as tx:
            rows = await entries.page(tx, where, after=after, limit=limit + 1)
        return models.Page[models.EntrySummary](
            items=[views.summary(row) for row in rows[:limit]],
            next_cursor=_cursor(rows, limit, "last_failed_at", "id"),
        )

    async def entry(
        self, entry_id: UUID, *, owner: str | None, with_stack: bool
    ) -> models.EntryDetail:
        """Return all of one. Raises NotFoundError, also for somebody else's."""
        async with self._database.transaction() as tx:
            row = await entries.get(tx, entry_id, owner=owner)
            if row is None:
                raise NotFoundError("entry")
            attempts = await entries.history(tx, row)
            lineage = await entries.lineage(tx, entry_id)
        return views.detail(row, attempts=attempts, lineage=lineage, with_stack=with_stack)

    async def groups(
        self, where: EntryFilter, *, cursor: str | None, limit: int
    ) -> models.Page[models.GroupView]:
        """Return causes, the newest first; without states, only of what is unresolved.

        Raises InvalidCursorError.
        """
        after = cursors.decode(cursor, parts=3) if cursor else None
        async with self._database.transaction() as tx:
            rows = await reports.groups(tx, where, after=after, limit=limit + 1)
            shown = [row["fingerprint"] for row in rows[:limit]]
            trends = await reports.trends(tx, shown, owner=where.owner, now=self._clock.now())
        none = [0] * reports.TREND_HOURS
        keys = ("fingerprint", "stage", "reason")
        return models.Page[models.GroupView](
            items=[
                views.group(
                    row, trends.get((row["fingerprint"], row["stage"], row["reason"]), none)
                )
                for row in rows[:limit]
            ],
            next_cursor=_cursor(rows, limit, "last_seen", *keys),
        )

    async def replay(self, replay_id: UUID) -> models.ReplayView:
        """Return one. Raises NotFoundError."""
        async with self._database.transaction() as tx:
            row = await replays.get(tx, replay_id)
        if row is None:
            raise NotFoundError("replay")
        return views.replay(row)

    async def replays(
        self, *, status: str | None, cursor: str | None, limit: int
    ) -> models.Page[models.ReplayView]:
        """Return a page, newest first. Raises InvalidCursorError."""
        after = cursors.decode_with_id(cursor) if cursor else None
        async with self._database.transaction() as tx:
            rows = await replays.page(tx, after=after, limit=limit + 1, status=status)
        return models.Page[models.ReplayView](
            items=[views.replay(row) for row in rows[:limit]],
            next_cursor=_cursor(rows, limit, "created_at", "id"),
        )

    async def replay_items(
        self, replay_id: UUID, *, outcome: str | None, cursor: str | None, limit: int
    ) -> models.Page[models.ReplayItemView]:
        """Return what became of each entry. Raises NotFoundError, InvalidCursorError."""
        after = _number(cursor)
        async with self._database.transaction() as tx:
            if await replays.get(tx, replay_id) is None:
                raise NotFoundError("replay")
            rows = await replays.items(tx, replay_id, after=after, limit=limit + 1, outcome=outcome)
        return models.Page[models.ReplayItemView](
            items=[models.ReplayItemView(**row) for row in rows[:limit]],
            next_cursor=str(rows[limit - 1]["position"]) if len(rows) > limit else None,
        )

    async def audit(
        self, *, actor: str | None, operation: str | None, cursor: str | None, limit: int
    ) -> models.Page[models.AuditView]:
        """Return deeds, newest first. Raises InvalidCursorError."""
        before = _number(cursor) if cursor else None
        async with self._database.transaction() as tx:
            rows = await audit.page(
                tx, before=before, limit=limit + 1, actor=actor, operation=operation
            )
        return models.Page[models.AuditView](
            items=[models.AuditView(**row) for row in rows[:limit]],
            next_cursor=str(rows[limit - 1]["id"]) if len(rows) > limit else None,
        )

    async def stats(self) -> models.StatsView:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            rows = await reports.by_state(tx, soon=now + _DAY)
            arrived = await reports.arrivals(tx, hour=now - _HOUR, day=now - _DAY)
            after = await reports.after_replay(tx)
            awaiting = await reports.awaiting(tx)
        return _stats(rows, arrived=arrived, after=after, awaiting=awaiting)

    async def export(self, where: EntryFilter) -> AsyncIterator[bytes]:
        """Give whole entries as NDJSON, newest first, a page at a time: memory stays flat."""
        after: tuple[datetime, UUID] | None = None
        while True:
            async with self._database.transaction() as tx:
                rows = await entries.whole_page(tx, where, after=after, limit=_EXPORT_PAGE)
            for row in rows:
                whole = views.detail(row, attempts=(), lineage=(), with_stack=True)
                shown = whole.model_dump(
                    mode="json", by_alias=True, exclude={"attempts", "replays"}
                )
                yield json.dumps(shown, separators=(",", ":")).encode() + b"\n"
            if len(rows) < _EXPORT_PAGE:
                return
            after = rows[-1]["last_failed_at"], rows[-1]["id"]


def _cursor(rows: Sequence[dict[str, Any]], limit: int, at: str, *keys: str) -> str | None:
    """Return the cursor after the last row that is shown; None if no other follows."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return cursors.encode(last[at], *(str(last[key]) for key in keys))


def _number(cursor: str | None) -> int:
    """Read the cursor of a list by number. Raises InvalidCursorError."""
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > _MAX_DIGITS:
        raise cursors.InvalidCursorError("the cursor is not one of this list's")
    return int(cursor)


def _stats(
    rows: Sequence[dict[str, Any]],
    *,
    arrived: dict[str, Any],
    after: dict[str, Any],
    awaiting: dict[str, Any],
) -> models.StatsView:
    unresolved = [row for row in rows if row["state"] in UNRESOLVED]
    known = after["resolved"] + after["failed_again"]
    return models.StatsView(
        by_state=_sums(rows, "state"),
        by_stage=_sums(unresolved, "stage"),
        by_reason=_sums(unresolved, "reason"),
        arrived_last_hour=arrived["last_hour"],
        arrived_last_day=arrived["last_day"],
        arrival_rate_per_h=round(arrived["last_day"] / (_DAY / _HOUR), 2),
        oldest_open_at=min((row["oldest"] for row in rows if row["state"] == "open"), default=None),
        awaiting_outcome=awaiting["count"],
        awaiting_since=awaiting["oldest"],
        after_replay=models.AfterReplayView(
            replayed=after["replayed"],
            resolved=after["resolved"],
            failed_again=after["failed_again"],
            failed_again_ratio=round(after["failed_again"] / known, 3) if known else None,
        ),
        expiring_within_day=sum(row["expiring"] for row in unresolved),
    )


def _sums(rows: Sequence[dict[str, Any]], name: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[name]] = sums.get(row[name], 0) + row["count"]
    return sums
