"""Changes the limits of one owner, on the record."""

from docyard_common.clock import Clock
from docyard_common.database import Database
from ingest.errors import FieldInvalidError
from ingest.limits.owner_limits import LimitOverrides, OwnerLimits
from ingest.limits.source import LimitSource
from ingest.tables import owner_limits
from ingest.tables.owner_limits import LimitChange


class LimitKeeper:
    """What operators do. Every method raises DependencyUnavailableError."""

    def __init__(self, *, database: Database, source: LimitSource, clock: Clock) -> None:
        self._database = database
        self._source = source
        self._clock = clock

    async def set(self, owner: str, overrides: LimitOverrides, *, actor: str) -> OwnerLimits:
        """Replace what is set for *owner*, and return what holds from then on.

        Nothing set means the defaults. Seen here at once, by other replicas within
        `LIMITS__CACHED_S`. Raises FieldInvalidError for a tier that the settings do not name.
        """
        known = self._source.settings.tiers
        if overrides.tier is not None and overrides.tier not in known:
            raise FieldInvalidError(f"tier must be one of {', '.join(known)}.", field="tier")
        after = overrides.model_dump(exclude_none=True) or None
        async with self._database.transaction() as tx:
            await owner_limits.change(tx, owner, after, actor=actor, at=self._clock.now())
        self._source.forget(owner)
        return await self._source.of(owner)

    async def changes(self, owner: str, *, before_id: int | None, limit: int) -> list[LimitChange]:
        """Return up to *limit* changes of *owner* older than *before_id*, newest first."""
        async with self._database.transaction() as tx:
            return await owner_limits.changes(tx, owner, before_id=before_id, limit=limit)
