"""Where the limits of an owner are read, and for how long they are believed."""

import time
from typing import Final

from docyard_common.database import Database, Transaction
from ingest.limits.owner_limits import OwnerLimits, resolved
from ingest.settings import LimitSettings
from ingest.tables import owner_limits

_MOST_OWNERS: Final = 10_000


class LimitSource:
    """Answers from memory for `LIMITS__CACHED_S`, then asks the database again."""

    def __init__(self, *, database: Database, settings: LimitSettings) -> None:
        self._database = database
        self._settings = settings
        self._known: dict[str, tuple[float, OwnerLimits]] = {}

    @property
    def settings(self) -> LimitSettings:
        return self._settings

    async def of(self, owner: str, *, tx: Transaction | None = None) -> OwnerLimits:
        """Return what holds for *owner*; asks within *tx* where one is given.

        Raises DependencyUnavailableError.
        """
        read_at, limits = self._known.get(owner, (0.0, None))
        if limits is not None and time.monotonic() - read_at < self._settings.cached_s:
            return limits
        if tx is not None:
            return await self._read(tx, owner)
        async with self._database.transaction() as own:
            return await self._read(own, owner)

    def forget(self, owner: str) -> None:
        """Ask the database for *owner* the next time."""
        self._known.pop(owner, None)

    async def _read(self, tx: Transaction, owner: str) -> OwnerLimits:
        read_at = time.monotonic()
        limits = resolved(self._settings, await owner_limits.find(tx, owner))
        if len(self._known) >= _MOST_OWNERS:
            self._known.clear()
        self._known[owner] = (read_at, limits)
        return limits
