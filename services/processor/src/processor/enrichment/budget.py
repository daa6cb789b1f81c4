"""What language models may cost: by document, and by day, in requests and tokens.

It is taken before the call and corrected after it, or given back where nothing was sent: a kill -9
or a lost database between the two leaves it as taken. So no call goes uncounted, and what one is
counted too little is at most what its estimate was wrong by.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from docyard_common.analysis import NotEnriched
from docyard_common.database import Database, Transaction
from processor.settings import ModelSettings

_TAKE_OF_DOCUMENT: Final = """
insert into model_documents as taken (document_id, generation, requests, tokens)
values (%(document_id)s, %(generation)s, 1, %(tokens)s)
on conflict (document_id, generation) do update set
    requests = taken.requests + 1, tokens = taken.tokens + excluded.tokens, at = now()
where taken.requests < %(most_requests)s and taken.tokens + excluded.tokens <= %(most_tokens)s
"""
_TAKE_OF_DAY: Final = """
insert into model_days as taken (day, requests, tokens) values (%(day)s, 1, %(tokens)s)
on conflict (day) do update set
    requests = taken.requests + 1, tokens = taken.tokens + excluded.tokens
where (%(most_requests)s = 0 or taken.requests < %(most_requests)s)
    and (%(most_tokens)s = 0 or taken.tokens + excluded.tokens <= %(most_tokens)s)
"""
_CORRECT_DOCUMENT: Final = """
update model_documents set requests = greatest(requests + %(requests)s, 0),
    tokens = greatest(tokens + %(tokens)s, 0)
where document_id = %(document_id)s and generation = %(generation)s
"""
_CORRECT_DAY: Final = """
update model_days set requests = greatest(requests + %(requests)s, 0),
    tokens = greatest(tokens + %(tokens)s, 0)
where day = %(day)s
"""


@dataclass(frozen=True)
class Spending:
    """Tokens that were taken for one call."""

    document_id: UUID
    generation: int
    day: date
    tokens: int


class Budget:
    """Counts in the database, for all replicas together."""

    def __init__(
        self,
        settings: ModelSettings,
        *,
        database: Database,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._database = database
        self._now = now

    async def take(
        self, document_id: UUID, generation: int, *, tokens: int
    ) -> Spending | NotEnriched:
        """Take *tokens* for one request, or say which budget has no room for them.

        Raises DependencyUnavailableError.
        """
        day = self._now().date()
        if 0 < self._settings.day_tokens < tokens:
            return NotEnriched.DAY_BUDGET
        async with self._database.transaction() as tx:
            if not await self._take_of_document(tx, document_id, generation, tokens):
                return NotEnriched.DOCUMENT_BUDGET
            if not await self._take_of_day(tx, day, tokens):
                await tx.rollback()
                return NotEnriched.DAY_BUDGET
        return Spending(document_id, generation, day, tokens)

    async def settle(self, spending: Spending, *, tokens: int) -> None:
        """Put what the call did cost in the place of what was taken. Raises as `take`."""
        await self._correct(spending, requests=0, tokens=tokens - spending.tokens)

    async def give_back(self, spending: Spending) -> None:
        """Undo the taking for a call of which nothing was sent. Raises as `take`."""
        await self._correct(spending, requests=-1, tokens=-spending.tokens)

    async def _correct(self, spending: Spending, *, requests: int, tokens: int) -> None:
        told = asdict(spending) | {"requests": requests, "tokens": tokens}
        async with self._database.transaction() as tx:
            await tx.execute(_CORRECT_DAY, told)
            await tx.execute(_CORRECT_DOCUMENT, told)

    async def _take_of_document(
        self, tx: Transaction, document_id: UUID, generation: int, tokens: int
    ) -> bool:
        if tokens > self._settings.document_tokens:
            return False
        told = {
            "document_id": document_id,
            "generation": generation,
            "tokens": tokens,
            "most_requests": self._settings.document_requests,
            "most_tokens": self._settings.document_tokens,
        }
        return (await tx.execute(_TAKE_OF_DOCUMENT, told)).rowcount == 1

    async def _take_of_day(self, tx: Transaction, day: date, tokens: int) -> bool:
        told = {
            "day": day,
            "tokens": tokens,
            "most_requests": self._settings.day_requests,
            "most_tokens": self._settings.day_tokens,
        }
        return (await tx.execute(_TAKE_OF_DAY, told)).rowcount == 1
