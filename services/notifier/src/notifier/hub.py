"""Who wants to know about which document: the fan-out of one replica.

Subscribers are told only about documents of their own; so watching an id that does not exist yet,
or one of somebody else, is harmless and can not be told apart from outside.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar
from uuid import UUID

from docyard_common.observability import metrics
from notifier.updates import Update

_Key = TypeVar("_Key")


class Subscriber(Protocol):
    """One connection, or whoever else waits for updates; hashed by identity."""

    @property
    def owner(self) -> str:
        """The `sub` whose documents it may see."""
        ...

    def push(self, update: Update) -> None:
        """Take *update*; must neither wait nor raise."""
        ...


class Hub:
    """The subscriptions of all connections of this process."""

    def __init__(self) -> None:
        self._by_document: defaultdict[UUID, set[Subscriber]] = defaultdict(set)
        self._by_owner: defaultdict[str, set[Subscriber]] = defaultdict(set)
        self._subscriptions = 0

    def watch(self, subscriber: Subscriber, document_ids: Iterable[UUID]) -> None:
        """Let *subscriber* have updates of these documents from this moment on; idempotent."""
        for document_id in document_ids:
            subscribers = self._by_document[document_id]
            self._count(0 if subscriber in subscribers else 1)
            subscribers.add(subscriber)

    def unwatch(self, subscriber: Subscriber, document_ids: Iterable[UUID]) -> None:
        for document_id in document_ids:
            self._count(-_discard(self._by_document, document_id, subscriber))

    def watch_all(self, subscriber: Subscriber) -> None:
        """Let *subscriber* have updates of every document of its owner; idempotent."""
        self._by_owner[subscriber.owner].add(subscriber)

    def unwatch_all(self, subscriber: Subscriber) -> None:
        _discard(self._by_owner, subscriber.owner, subscriber)

    def publish(self, update: Update) -> None:
        """Hand *update* to everybody who watches its document or its owner, once each."""
        watching = self._by_document.get(update.document_id, set())
        own = {one for one in watching if one.owner == update.owner}
        for subscriber in own | self._by_owner.get(update.owner, set()):
            subscriber.push(update)

    def is_watched(self, document_id: UUID) -> bool:
        return document_id in self._by_document

    def has_follower(self, owner: str) -> bool:
        """Whether anybody follows all documents of *owner*."""
        return owner in self._by_owner

    @property
    def subscriptions(self) -> int:
        """Documents watched, counted once per subscriber; channels not included."""
        return self._subscriptions

    def _count(self, change: int) -> None:
        self._subscriptions += change
        metrics.WS_SUBSCRIPTIONS.set(self._subscriptions)


def _discard(index: dict[_Key, set[Subscriber]], key: _Key, subscriber: Subscriber) -> int:
    """Take *subscriber* out of *index*; return how many that were, 0 or 1."""
    subscribers = index.get(key, set())
    removed = int(subscriber in subscribers)
    subscribers.discard(subscriber)
    if not subscribers:
        index.pop(key, None)
    return removed
