"""Tells that a run has started, unless it ends sooner than anybody could see it."""

import asyncio
import contextlib
import logging

from docyard_common.errors import DependencyUnavailableError
from docyard_common.work.model import Lease
from processor.settle import Settlement

logger = logging.getLogger(__name__)

_DELAY_S = 0.25


class Announcement:
    """`stage_started` of one run: in time for long runs, together with the end for short ones.

    A kill -9 within the first quarter of a second leaves a run that nobody heard of; the next one
    tells its own start.
    """

    def __init__(self, settlement: Settlement, lease: Lease) -> None:
        self._settlement = settlement
        self._lease = lease
        self._made = False
        self._task = asyncio.create_task(self._make())

    async def close(self) -> bool:
        """Stop waiting; return whether the start has been told already."""
        if not self._made:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        return self._made

    async def _make(self) -> None:
        await asyncio.sleep(_DELAY_S)
        try:
            await self._settlement.announce(self._lease)
        except DependencyUnavailableError as error:
            logger.warning("announcement.lost", extra={"error": str(error)})
        else:
            self._made = True
