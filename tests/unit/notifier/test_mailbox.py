"""The mailbox of one connection: in order, newest-wins for ticks, bounded for all."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.mailbox import Mailbox, SlowReaderError
from notifier.settings import OutboxSettings
from notifier.updates import Update


def told(seq: int, *, document: int = 1, change: bool = False) -> Update:
    return Update(
        document_id=UUID(int=document),
        owner="ann",
        seq=seq,
        data={},
        change=change,
        terminal=False,
    )


def mailbox(**limits: float) -> Mailbox:
    return Mailbox(OutboxSettings.model_validate(limits), clock=Now())


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


async def test_a_newer_tick_replaces_the_one_that_waits() -> None:
    box = mailbox()
    ticks = [told(1), told(2), told(3)]

    for tick in ticks:
        box.put(tick)

    assert await box.take(9) == [ticks[-1]]


async def test_a_change_replaces_the_tick_before_it_and_is_never_replaced() -> None:
    box = mailbox()
    change, tick = told(2, change=True), told(3)

    for update in (told(1), change, tick):
        box.put(update)

    assert await box.take(9) == [change, tick]


async def test_ticks_of_other_documents_and_replies_stay() -> None:
    box = mailbox()
    one, other = told(1, document=1), told(1, document=2)

    for item in (one, "reply", other):
        box.put(item)

    assert await box.take(2) == [one, "reply"]
    assert await box.take(2) == [other]


async def test_too_many_messages_are_given_up() -> None:
    box = mailbox(max_messages=2)

    for number in range(3):
        box.put(str(number))

    with pytest.raises(SlowReaderError):
        await box.take(1)


async def test_too_many_bytes_are_given_up() -> None:
    box = mailbox(max_bytes=65_536)

    box.put("x" * 65_537)

    with pytest.raises(SlowReaderError):
        await box.take(1)


async def test_what_waits_too_long_is_given_up() -> None:
    now = Now()
    box = Mailbox(OutboxSettings(max_age_s=10), clock=now)
    box.put("old")
    now.s = 11.0
    box.put("young")

    with pytest.raises(SlowReaderError):
        await box.take(1)


async def test_after_giving_up_it_holds_nothing() -> None:
    box = mailbox(max_messages=1)

    for number in range(100):
        box.put(str(number))

    assert len(box) == 0


_UPDATES = st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()))


@given(_UPDATES)
async def test_every_change_and_the_newest_update_come_out_in_order(
    puts: Sequence[tuple[int, bool, bool]],
) -> None:
    """Whatever is put and whenever it is read: (document, change, read one now)."""
    box = mailbox()
    updates = [told(n, document=d, change=c) for n, (d, c, _) in enumerate(puts)]
    out: list[object] = []
    for update, (_, _, read) in zip(updates, puts, strict=True):
        box.put(update)
        if read:
            out += await box.take(1)
    out += await box.take(len(box)) if len(box) else []

    assert [u for u in updates if u.change] == [
        u for u in out if isinstance(u, Update) and u.change
    ]
    for document in {update.document_id for update in updates}:
        own = [u for u in out if isinstance(u, Update) and u.document_id == document]
        assert [u.seq for u in own] == sorted(u.seq for u in own)
        assert own[-1] is [u for u in updates if u.document_id == document][-1]
