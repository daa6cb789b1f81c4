"""Keeps what documents have needed over restarts, shares it, and corrects what waits by it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from docyard_common.database import Database
from docyard_common.delivery.memory import Estimates, Kind
from docyard_common.events.stages import Stage

_WRITE: Final = """
insert into memory_peaks (stage, media_type, size_class, peak_bytes) values (%s, %s, %s, %s)
on conflict (stage, media_type, size_class) do update set
    peak_bytes = excluded.peak_bytes, at = now()
"""
_READ: Final = "select * from memory_peaks where at > %s"
# The size class of a row as `Kind.of` has it: how many times a mebibyte doubles.
_CORRECT: Final = """
update work set memory_bytes = known.memory_bytes
from unnest(%s::text[], %s::text[], %s::int[], %s::bigint[])
    as known (stage, media_type, size_class, memory_bytes)
where work.stage = known.stage and work.media_type = known.media_type
    and work.size_bytes between
        case known.size_class when 0 then 0 else 1048576::bigint << (known.size_class - 1) end
        and (1048576::bigint << known.size_class) - 1
    and work.state = 'waiting' and work.memory_bytes <> known.memory_bytes
"""


class MemoryHistory:
    """Carries `Estimates` to the table `memory_peaks` and back. A crash loses seconds of it."""

    def __init__(self, estimates: Estimates, *, database: Database) -> None:
        self._estimates = estimates
        self._database = database
        self._told: dict[Kind, int] = {}
        self._read_until = datetime.fromtimestamp(0, UTC)

    async def exchange(self) -> None:
        """Tell what is new, learn what others have told, and correct what waits.

        Raises DependencyUnavailableError.
        """
        fresh = {k: v for k, v in self._estimates.peaks.items() if self._told.get(k) != v}
        async with self._database.transaction() as tx:
            rows = await (await tx.execute(_READ, (self._read_until,))).fetchall()
            self._estimates.adopt(
                {
                    Kind(Stage(row["stage"]), row["media_type"], row["size_class"]): row[
                        "peak_bytes"
                    ]
                    for row in rows
                    if self._is_foreign(row)
                }
            )
            for kind, peak in sorted(fresh.items(), key=lambda item: _key(item[0])):
                await tx.execute(_WRITE, (*_key(kind), peak))
            await tx.execute(_CORRECT, self._corrections())
        self._told.update(fresh)
        self._read_until = max([self._read_until, *(row["at"] for row in rows)])

    def _is_foreign(self, row: Mapping[str, object]) -> bool:
        """Whether the row says something else than this process has told itself."""
        kind = Kind(Stage(str(row["stage"])), str(row["media_type"]), int(str(row["size_class"])))
        return self._told.get(kind) != row["peak_bytes"]

    def _corrections(self) -> tuple[list[str], list[str], list[int], list[int]]:
        kinds = list(self._estimates.peaks)
        return (
            [kind.stage.value for kind in kinds],
            [kind.media_type for kind in kinds],
            [kind.size_class for kind in kinds],
            [self._estimates.estimate(kind) for kind in kinds],
        )


def _key(kind: Kind) -> tuple[str, str, int]:
    return (kind.stage.value, kind.media_type, kind.size_class)
