"""The fan-out: whoever may know is told, once."""

from uuid import UUID

from notifier.hub import Hub
from notifier.updates import Update

ONE, OTHER = UUID(int=1), UUID(int=2)


class Listener:
    """A subscriber that remembers what it was told."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.heard: list[Update] = []

    def push(self, update: Update) -> None:
        self.heard.append(update)


def about(document_id: UUID, owner: str = "ann") -> Update:
    return Update(document_id, owner, seq=1, data={}, change=True, terminal=False)


def test_who_follows_a_document_twice_is_told_once() -> None:
    hub, ann, update = Hub(), Listener("ann"), about(ONE)
    hub.watch(ann, [ONE])
    hub.watch(ann, [ONE])
    hub.watch_all(ann)

    hub.publish(update)
    hub.publish(about(OTHER))

    assert [heard.document_id for heard in ann.heard] == [ONE, OTHER]
    assert hub.subscriptions == 1


def test_a_document_of_somebody_else_is_never_told() -> None:
    hub, ann = Hub(), Listener("ann")
    hub.watch(ann, [ONE])
    hub.watch_all(ann)

    hub.publish(about(ONE, owner="bob"))

    assert ann.heard == []


def test_who_has_left_is_forgotten() -> None:
    hub, ann = Hub(), Listener("ann")
    hub.watch(ann, [ONE])
    hub.watch_all(ann)
    hub.unwatch(ann, [ONE, OTHER])
    hub.unwatch_all(ann)

    hub.publish(about(ONE))

    assert ann.heard == []
    assert (hub.subscriptions, hub.is_watched(ONE), hub.has_follower("ann")) == (0, False, False)
