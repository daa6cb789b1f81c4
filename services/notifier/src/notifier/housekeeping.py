"""Keeps memory and tables small: forgets what the projection has, and facts nobody can ask for."""

import asyncio
import logging
import time
from typing import Final

from docyard_common.database import Database
from docyard_common.errors import DependencyUnavailableError
from notifier import documents
from notifier.recent import RecentViews
from notifier.settings import HistorySettings

logger = logging.getLogger(__name__)

_EVERY_S: Final = 5.0
_SWEEP_EVERY_S: Final = 3600.0


class Housekeeping:
    """Runs in every replica: each has a memory of its own, and sweeping twice does no harm."""

    def __init__(
        self, *, database: Database, recent: RecentViews, settings: HistorySettings
    ) -> None:
        self._database = database
        self._recent = recent
        self._settings = settings
        self._swept_at = float("-inf")

    async def run(self) -> None:
        """Tidy up until cancelled; waits out a database that is away."""
        while True:
            try:
                await self._tidy()
            except DependencyUnavailableError as away:
                logger.warning("housekeeping.waiting", extra={"dependency": away.dependency})
            await asyncio.sleep(min(_EVERY_S, self._settings.recent_s))

    async def _tidy(self) -> None:
        async with self._database.transaction() as tx:
            saved = await documents.places(tx)
        self._recent.evict(saved)
        if time.monotonic() - self._swept_at >= _SWEEP_EVERY_S:
            async with self._database.transaction() as tx:
                gone = await documents.forget_old_facts(tx, days=self._settings.facts_days)
            self._swept_at = time.monotonic()
            logger.info("housekeeping.swept", extra={"facts": gone})
