"""One connection at the hub: first the snapshot, then only what is newer."""

from uuid import UUID

from notifier.mailbox import Mailbox
from notifier.settings import OutboxSettings
from notifier.subscription import Subscription
from notifier.updates import Update

DOCUMENT = UUID(int=1)


def told(seq: int, *, terminal: bool = False) -> Update:
    return Update(DOCUMENT, "ann", seq=seq, data={}, change=True, terminal=terminal)


async def test_what_comes_while_the_snapshot_is_read_follows_it_unless_it_is_older() -> None:
    box = Mailbox(OutboxSettings())
    subscription = Subscription("ann", box)
    newer = told(3)

    subscription.hold()
    for update in (told(1), told(2), newer):
        subscription.push(update)
    box.put("snapshot")
    subscription.release([told(1), told(2)])

    assert await box.take(9) == ["snapshot", newer]


async def test_an_update_that_is_not_newer_is_not_told() -> None:
    box = Mailbox(OutboxSettings())
    subscription = Subscription("ann", box)
    first = told(2)

    for update in (first, told(2), told(1)):
        subscription.push(update)

    assert await box.take(9) == [first]


def test_a_document_that_is_heard_of_is_no_longer_awaited() -> None:
    subscription = Subscription("ann", Mailbox(OutboxSettings()))
    subscription.awaited.add(DOCUMENT)

    subscription.push(told(1, terminal=True))

    assert subscription.awaited == set()
