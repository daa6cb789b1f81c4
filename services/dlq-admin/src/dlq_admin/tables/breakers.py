"""The table `breakers`: one row, the newest that the processor has told of its breakers."""

from collections.abc import Sequence
from typing import Final

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction
from docyard_common.events.observation import BreakerObserved, ProcessingObserved

_KEEP: Final = """
insert into breakers (observed_at, items) values (%s, %s)
on conflict (id) do update set observed_at = excluded.observed_at, items = excluded.items
where breakers.observed_at < excluded.observed_at
"""


async def keep(tx: Transaction, told: ProcessingObserved) -> None:
    """Keep what was *told* unless something newer is there."""
    items = [breaker.model_dump(mode="json") for breaker in told.breakers]
    await tx.execute(_KEEP, (told.observed_at, Jsonb(items)))


async def newest(tx: Transaction) -> Sequence[BreakerObserved]:
    """Return the breakers that have ever opened; none before the processor has told of any."""
    row = await (await tx.execute("select items from breakers")).fetchone()
    return [BreakerObserved.model_validate(item) for item in row["items"]] if row else []
