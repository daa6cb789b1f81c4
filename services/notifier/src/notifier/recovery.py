"""What a subscriber must be told first: everything up to now, without a gap to what comes live.

The caller has subscribed at the hub before it asks. So an event that is not in the answer either
comes through the hub, or was read before the subscription and is in the memory, or has left the
memory and is in the tables, which are read last.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.database import Database
from docyard_common.events.progress import DocumentView
from notifier import documents
from notifier.recent import RecentViews, merged
from notifier.updates import Update, update_of

_SMALLEST_BYTES: Final = 200
"""No change is told in fewer."""


@dataclass(frozen=True)
class CaughtUp:
    """What a subscriber has missed: per document in order, the newest view last.

    *recovered* says that nothing between the `seq` it held and now is left out. Where that would
    be too much for one answer, the newest views are all there is.
    """

    updates: tuple[Update, ...]
    missing: frozenset[UUID]
    recovered: bool


class Recovery:
    """Reads the projection and the memory as one."""

    def __init__(self, *, database: Database, recent: RecentViews, max_bytes: int) -> None:
        """*max_bytes* is what `catch_up` may replay, the newest views included."""
        self._database = database
        self._recent = recent
        self._max_bytes = max_bytes

    async def view(self, document_id: UUID, *, owner: str) -> DocumentView | None:
        """Return the newest view of a document of *owner*; None for unknown and foreign ones.

        Raises DependencyUnavailableError.
        """
        return (await self._views({document_id}, owner)).get(document_id)

    async def active(self, owner: str, *, limit: int) -> set[UUID]:
        """Return the unfinished documents of *owner*, at most *limit*, the newest ones."""
        fresh = {view.document_id: view for view in self._recent.of_owner(owner)}
        async with self._database.transaction() as tx:
            stored = await documents.active_views(tx, owner, limit=limit)
        ids = {view.document_id for view in stored} | fresh.keys()
        unfinished = {i for i in ids if i not in fresh or not fresh[i].is_terminal}
        return set(sorted(unfinished, reverse=True)[:limit])

    async def catch_up(
        self, document_ids: Collection[UUID], *, owner: str, since: Mapping[UUID, int]
    ) -> CaughtUp:
        """Return what there is to say about these documents, after `since` where it is given.

        Raises DependencyUnavailableError.
        """
        views = await self._views(document_ids, owner)
        held = {i: seq for i, seq in since.items() if i in views}
        missed, recovered = await self._missed(held, views) if held else ({}, True)
        newest = [update_of(view) for view in views.values()]
        updates = [
            update
            for last in newest
            for update in (*_ordered(missed.get(last.document_id, ()), last), last)
        ]
        if len(updates) > len(newest) and _size(updates) > self._max_bytes:
            updates, recovered = newest, False
        return CaughtUp(tuple(updates), frozenset(document_ids) - views.keys(), recovered)

    async def _views(self, document_ids: Collection[UUID], owner: str) -> dict[UUID, DocumentView]:
        # The memory first: what leaves it from here on is in the tables, which are read after.
        fresh = [view for i in document_ids if (view := self._recent.view(i)) is not None]
        async with self._database.transaction() as tx:
            stored = await documents.views(tx, document_ids, owner=owner)
        self._recent.learn(stored)
        by_id = {view.document_id: view for view in stored}
        for view in fresh:
            if view.owner == owner:
                by_id[view.document_id] = _newest(view, by_id.get(view.document_id))
        return by_id

    async def _missed(
        self, held: Mapping[UUID, int], views: Mapping[UUID, DocumentView]
    ) -> tuple[Mapping[UUID, list[Update]], bool]:
        """Return the changes after *held*, and whether they are all there are; too many: none."""
        limit = self._max_bytes // _SMALLEST_BYTES
        # The memory first, here too.
        fresh = {document_id: self._recent.changes(document_id) for document_id in held}
        async with self._database.transaction() as tx:
            facts = await documents.facts_after(tx, held, limit=limit + 1)
            connected = await documents.connected(tx, held)
        if len(facts) > limit:
            return {}, False
        missed = {i: [u for u in fresh[i] if u.seq > seq] for i, seq in held.items()}
        for fact in facts:
            missed[fact.document_id].append(_update(fact, views))
        # Changes are remembered from some point on, without a hole: one at or before the held
        # position proves that all after it are there.
        whole = all(
            i in connected
            or any(update.seq <= seq for update in fresh[i])
            or views[i].seq <= seq
            or views[i].deleted
            for i, seq in held.items()
        )
        return missed, whole


def _newest(fresh: DocumentView, stored: DocumentView | None) -> DocumentView:
    """Return the newer of the two, with what only the other one knows."""
    if stored is None:
        return fresh
    return merged(fresh, stored) if fresh.seq > stored.seq else merged(stored, fresh)


def _ordered(updates: Iterable[Update], last: Update) -> Iterable[Update]:
    """Return each change before *last* once, in the order of its positions."""
    by_seq = {update.seq: update for update in updates if update.seq < last.seq}
    return (by_seq[seq] for seq in sorted(by_seq))


def _size(updates: Iterable[Update]) -> int:
    return sum(len(update.text) for update in updates)


def _update(fact: documents.Fact, views: Mapping[UUID, DocumentView]) -> Update:
    return Update(
        document_id=fact.document_id,
        owner=views[fact.document_id].owner,
        seq=fact.seq,
        data=fact.data,
        change=True,
        terminal=fact.terminal,
    )
