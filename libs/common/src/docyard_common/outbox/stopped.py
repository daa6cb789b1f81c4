"""Shards that stand still behind a row that was refused: publishing on would overtake it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiokafka.errors import InvalidTopicError, MessageSizeTooLargeError

UNSENDABLE: Final = (AssertionError, TypeError, ValueError)
"""What the producer says of a record that it can not write, however well Kafka is."""
_OF_THE_RECORD: Final = (InvalidTopicError, MessageSizeTooLargeError, *UNSENDABLE)
_AGAIN_S: Final = 1.0
_RECORD_AGAIN_S: Final = 10.0
"""A record that is refused for what it is goes once somebody has changed something."""


class StoppedShards:
    """Remembers which shards of a relay wait, and until when; outlives its sessions."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._until: dict[int, float] = {}

    def stop(self, refused: Mapping[int, BaseException]) -> None:
        """Let each shard wait for as long as the reason of its first refusal suggests."""
        now = self._monotonic()
        for shard, why in refused.items():
            wait_s = _RECORD_AGAIN_S if isinstance(why, _OF_THE_RECORD) else _AGAIN_S
            self._until[shard] = now + wait_s

    def begin(self) -> None:
        """Let what waits wait a second from now: beginning may have taken as long as its wait."""
        soon = self._monotonic() + _AGAIN_S
        self._until = {shard: max(until, soon) for shard, until in self._until.items()}

    def live(self, owned: Sequence[int]) -> list[int]:
        """Return those of *owned* whose rows are tried now."""
        now = self._monotonic()
        live = [shard for shard in owned if self._until.get(shard, now) <= now]
        for shard in live:
            self._until.pop(shard, None)
        return live
