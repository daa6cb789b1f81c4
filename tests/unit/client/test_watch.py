"""A watch ends when the documents have ended, whatever becomes of its connections."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fake_docyard import Answer, FakeDocyard

from docyard import (
    AsyncClient,
    Endpoints,
    NotAllowedError,
    NotFoundError,
    Progress,
    UnreachableError,
    WatchTimeoutError,
)
from docyard.retrying import RetryPolicy
from docyard.watching.positions import Positions
from docyard.watching.source import SourceLostError
from docyard.watching.watcher import Watcher, until

PATIENCE_S = 60


async def seen(client: AsyncClient, *ids: str) -> list[Progress]:
    return [update async for update in client.watch(ids, timeout_s=PATIENCE_S)]


async def test_nothing_is_told_twice_and_the_end_is_last(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    document_id = fake.add()

    updates = await seen(client, document_id)

    assert [update.seq for update in updates] == [1, 2, 3, 4, 5]
    assert updates[-1].state == "completed"
    assert fake.connections == ["websocket"]


@pytest.mark.parametrize("code", [1001, 4503, 4508, 4510, 4511])
async def test_a_closed_connection_is_made_again(
    client: AsyncClient, fake: FakeDocyard, code: int
) -> None:
    fake.closes.append(code)
    document_id = fake.add()

    updates = await seen(client, document_id)

    assert [update.seq for update in updates] == [1, 2, 3, 4, 5]
    assert fake.connections == ["websocket", "websocket"]


async def test_without_websockets_events_are_streamed(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    fake.live = {"sse"}
    ids = [fake.add(), fake.add()]

    updates = await seen(client, *ids)

    assert {update.document_id for update in updates if update.is_terminal} == set(ids)
    assert fake.connections == ["sse"]


async def test_without_any_stream_it_is_polled(client: AsyncClient, fake: FakeDocyard) -> None:
    fake.live = set()
    document_id = fake.add()

    updates = await seen(client, document_id)

    assert updates[-1].state == "completed"
    assert fake.connections == []


async def test_many_documents_end_over_one_connection(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    ids = [fake.add().upper() for _ in range(250)]

    updates = await seen(client, *ids)

    assert sum(update.is_terminal for update in updates) == 250
    assert fake.connections == ["websocket"]


@pytest.mark.parametrize("live", ["websocket", "sse"])
async def test_more_documents_than_a_stream_takes_are_followed_by_turns(
    client: AsyncClient, fake: FakeDocyard, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.live = {live}
    monkeypatch.setattr(f"docyard.watching.{live}.MAX_DOCUMENTS", 2)
    ids = [fake.add() for _ in range(5)]

    updates = await seen(client, *ids)

    assert {update.document_id for update in updates if update.is_terminal} == set(ids)
    assert fake.connections == [live] * 3


async def test_what_has_ended_reads_so_even_where_reads_lag(
    client: AsyncClient, fake: FakeDocyard
) -> None:
    document_id = fake.add()
    fake.lag = 3

    (document,) = await client.wait([document_id], timeout_s=PATIENCE_S)

    assert document.state == "completed"


async def test_an_unknown_document_is_not_found(client: AsyncClient, fake: FakeDocyard) -> None:
    fake.live = {"websocket"}

    with pytest.raises(NotFoundError):
        await seen(client, "unknown")


async def test_a_refused_token_ends_the_watch(fake: FakeDocyard) -> None:
    document_id = fake.add()
    async with AsyncClient(Endpoints(fake.url, fake.url, fake.url, token="wrong")) as client:
        with pytest.raises(NotAllowedError):
            await seen(client, document_id)


async def test_what_has_not_ended_in_time_is_named(client: AsyncClient, fake: FakeDocyard) -> None:
    document_id = fake.add()
    fake.ends["a.txt"] = "indexing"

    with pytest.raises(WatchTimeoutError) as caught:
        async for _update in client.watch([document_id], timeout_s=0.2):
            pass

    assert caught.value.pending == {document_id}


async def test_since_skips_the_end_that_is_known(client: AsyncClient, fake: FakeDocyard) -> None:
    document_id = fake.add()

    updates = [
        update async for update in client.watch([document_id], since={document_id: 4}, timeout_s=9)
    ]

    assert [update.seq for update in updates] == [5]


class Silence:
    """A source that never connects."""

    def __init__(self) -> None:
        self.tries = 0

    async def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
        self.tries += 1
        raise SourceLostError("no route")
        yield Progress(document_id=positions.pending[0], state="completed")


async def test_a_loss_after_a_long_silence_is_only_one_loss() -> None:
    class Lost(Silence):
        """A source that says nothing for longer than anybody is patient, twice."""

        async def follow(self, positions: Positions) -> AsyncGenerator[Progress, None]:
            self.tries += 1
            state = "completed" if self.tries == 3 else "extracting"
            yield Progress(document_id=positions.pending[0], seq=self.tries, state=state)
            raise SourceLostError("restarted")

    source = Lost()
    watcher = Watcher(
        Positions(["x"]), [source], patience_s=0.0, jitter=RetryPolicy(2**31, 0.001, 0.001)
    )

    assert [update.seq async for update in watcher.updates()] == [1, 2, 3]


async def test_overload_of_a_poll_is_waited_out(client: AsyncClient, fake: FakeDocyard) -> None:
    fake.live = set()
    document_id = fake.add()
    fake.answers += [Answer(503)] * 5

    updates = await seen(client, document_id)

    assert updates[-1].state == "completed"


async def test_silence_everywhere_is_unreachable_in_the_end() -> None:
    sources = [Silence(), Silence()]
    watcher = Watcher(
        Positions(["x"]), sources, patience_s=1.0, jitter=RetryPolicy(2**31, 0.001, 0.01)
    )

    with pytest.raises(UnreachableError, match="no route"):
        async for _update in watcher.updates():
            pass

    assert sources[0].tries == 2
    assert sources[1].tries > 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(0, 9), st.sampled_from(["extracting", "failed"])
        )
    )
)
def test_positions_only_grow_and_an_end_is_final(
    messages: list[tuple[str, int, str]],
) -> None:
    positions = Positions("ab")
    told: dict[str, list[Progress]] = {"a": [], "b": []}
    for document_id, seq, state in messages:
        update = Progress(document_id=document_id, seq=seq, state=state)
        if positions.accept(update):
            told[document_id].append(update)

    for updates in told.values():
        numbers = [update.seq for update in updates]
        assert numbers == sorted(set(numbers))
        assert not any(update.is_terminal for update in updates[:-1])
    assert set(positions.pending) == {
        id_ for id_, updates in told.items() if not (updates and updates[-1].is_terminal)
    }


async def test_a_connection_that_closes_slowly_after_the_last_end_is_no_timeout() -> None:
    positions = Positions(["a"])
    end = Progress(document_id="a", seq=1, state="completed")

    async def updates() -> AsyncGenerator[Progress, None]:
        positions.accept(end)
        yield end
        await asyncio.Event().wait()

    told = [update async for update in until(updates(), positions, timeout_s=0.05)]

    assert told == [end]
