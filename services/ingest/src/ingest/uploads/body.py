"""A request's body as it is read for an upload: never endless, never waiting for ever."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from ingest.errors import UploadStalledError
from ingest.settings import UploadSettings

_NO_LIMIT: Final = float("inf")


async def watched(body: AsyncIterator[bytes], settings: UploadSettings) -> AsyncIterator[bytes]:
    """Yield the chunks of *body* that hold bytes.

    Raises UploadStalledError when none comes for `idle_timeout_s`, or when fewer than
    `least_bytes_per_s` have come on average once the client was waited for as long in all.
    """
    loop = asyncio.get_running_loop()
    patience = _Patience(settings)
    while True:
        # The time that the store takes is not the client's.
        asked_at = loop.time()
        try:
            async with asyncio.timeout(patience.left_s):
                chunk = await anext(body, None)
        except TimeoutError as error:
            raise patience.refusal() from error
        patience.count(loop.time() - asked_at, len(chunk or b""))
        if chunk is None:
            return
        if chunk:
            yield chunk


class _Patience:
    """How long a client is waited for, by what it has sent."""

    def __init__(self, settings: UploadSettings) -> None:
        self._idle_s = settings.idle_timeout_s
        self._pace = settings.least_bytes_per_s
        self._waited_s = 0.0
        self._received = 0

    @property
    def left_s(self) -> float:
        """Seconds until the next chunk must have come."""
        return min(self._idle_s, self._earned_s - self._waited_s)

    def count(self, waited_s: float, received: int) -> None:
        self._waited_s += waited_s
        self._received += received

    def refusal(self) -> UploadStalledError:
        if self.left_s < self._idle_s:
            return UploadStalledError(f"Fewer than {self._pace} bytes a second were received.")
        return UploadStalledError(f"Nothing was received for {self._idle_s:g} seconds.")

    @property
    def _earned_s(self) -> float:
        if not self._pace:
            return _NO_LIMIT
        return max(self._idle_s, self._received / self._pace)
