"""What this replica has read lately: newer than the projection, until the projection has it too.

Together with the table it has no gap: an event that a subscriber was not told, because it was read
before the subscription, is here; and what has left here is in the table. Entries stay at least
until the projector has committed them.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from docyard_common.events.documents import DocumentDeleted, DocumentProgressed
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance
from docyard_common.kafka.broadcast import Place, Places
from notifier.updates import Update, is_change, update_of


@dataclass(slots=True)
class _Entry:
    view: DocumentView
    touched: float
    read: DocumentView | None = None  # behind `view` where that was learned, else the same
    unsaved: dict[Place, int] = field(default_factory=dict)  # last offset read, per place
    changes: list[Update] = field(default_factory=list)


class RecentViews:
    """The newest view of every document that something was read about lately."""

    def __init__(
        self,
        *,
        keep_s: float,
        is_wanted: Callable[[DocumentView], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*is_wanted* names views to keep however old: their next update must not go backwards."""
        self._keep_s = keep_s
        self._is_wanted = is_wanted
        self._clock = clock
        self._entries: dict[UUID, _Entry] = {}

    def apply(
        self, event: DocumentEvent, *, place: Place, offset: int, timestamp_ms: int
    ) -> Update | None:
        """Advance by *event*; return the update to publish, or None for what is not newer."""
        entry = self._entries.get(event.document_id)
        previous = entry.view if entry else None
        view = advance(previous, event)
        if entry is None:
            entry = self._entries[event.document_id] = _Entry(view, 0.0)
        entry.touched = self._clock()
        entry.unsaved[place] = offset
        told: DocumentView | None = view
        if view is previous:
            told = _behind(entry, event)
        else:
            entry.view = view
        if told is None:
            return None
        entry.read = told
        change = is_change(event, view=told, previous=previous)
        update = update_of(told, change=change, timestamp_ms=timestamp_ms)
        if update.change:
            entry.changes.append(update)
        return update

    def learn(self, views: Iterable[DocumentView]) -> None:
        """Take over what the projection knows, so that the next update builds on it.

        A view that is here already stays, though the projection may be ahead: events in between
        have not been read here, and other subscribers still wait for them. For the same reason
        `apply` tells the facts that led to a view that was learned, once each, as they are read.
        """
        for view in views:
            entry = self._entries.get(view.document_id)
            if entry is None:
                self._entries[view.document_id] = _Entry(view, self._clock())
            else:
                entry.view = merged(entry.view, view)

    def view(self, document_id: UUID) -> DocumentView | None:
        entry = self._entries.get(document_id)
        return entry.view if entry else None

    def changes(self, document_id: UUID) -> Iterable[Update]:
        """State changes that the projection may not have yet, in order."""
        entry = self._entries.get(document_id)
        return tuple(entry.changes) if entry else ()

    def of_owner(self, owner: str) -> Iterator[DocumentView]:
        return (entry.view for entry in self._entries.values() if entry.view.owner == owner)

    def evict(self, saved: Places) -> None:
        """Forget what the projection has: *saved* are the places up to which it has committed."""
        horizon = self._clock() - self._keep_s
        for document_id, entry in list(self._entries.items()):
            if entry.touched > horizon:
                continue
            if any(saved.get(place, 0) <= offset for place, offset in entry.unsaved.items()):
                continue
            entry.changes.clear()
            if not self._is_wanted(entry.view):
                del self._entries[document_id]

    def clear(self) -> None:
        """Forget everything: what was read does not connect with what will be read."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)


def merged(view: DocumentView, other: DocumentView) -> DocumentView:
    """Return *view* with what *other* knows beyond it: further progress, a newer whole result.

    A view that began with events of a later generation knows nothing of the result before it.
    """
    same = view.generation == other.generation
    results = [r for r in (view.result_generation, other.result_generation) if r is not None]
    return replace(
        view,
        progress=max(view.progress, other.progress) if same else view.progress,
        result_generation=max(results, default=None),
    )


def _behind(entry: _Entry, event: DocumentEvent) -> DocumentView | None:
    """Return the view that *event* led to on the way to one that was learned before it was read.

    None for what has been read; for ticks, which may be lost; and for all that was before a
    deletion, so that nothing brings the document back.
    """
    if isinstance(event, DocumentProgressed):
        return None
    if entry.view.deleted and not isinstance(event, DocumentDeleted):
        return None
    view = advance(entry.read, event)
    return None if view is entry.read else view
