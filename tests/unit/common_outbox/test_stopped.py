"""How long a shard waits behind a row that was refused."""

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from docyard_common.outbox.stopped import StoppedShards


class Watch:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize(
    ("why", "wait_s"),
    [(KafkaTimeoutError(), 1), (MessageSizeTooLargeError(), 10), (UnicodeError(), 10)],
)
def test_a_shard_waits_by_what_its_row_was_refused_for(
    watch: Watch, why: Exception, wait_s: float
) -> None:
    shards = StoppedShards(monotonic=watch)

    shards.stop({1: why})

    assert shards.live([0, 1, 2]) == [0, 2]
    watch.now += wait_s - 0.1
    assert shards.live([0, 1, 2]) == [0, 2]
    watch.now += 0.1
    assert shards.live([0, 1, 2]) == [0, 1, 2]


def test_what_waits_still_waits_a_second_of_each_session(watch: Watch) -> None:
    shards = StoppedShards(monotonic=watch)
    shards.stop({1: KafkaTimeoutError()})
    watch.now += 5

    shards.begin()

    assert shards.live([0, 1]) == [0]
    watch.now += 1
    assert shards.live([0, 1]) == [0, 1]
    shards.begin()
    assert shards.live([0, 1]) == [0, 1]
