"""The table `results`: whole results by owner and recipe, while their document has them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.events.work import StageRequested
from docyard_common.work.model import Lease

# The run's own row in the history says that its settlement found the work to be its own.
_NOTE: Final = """
insert into results (document_id, generation, owner, recipe, object_key)
select document_id, generation, %(owner)s, %(recipe)s, %(object_key)s
from stage_runs where document_id = %(document_id)s and generation = %(generation)s
    and stage = %(stage)s and fence = %(fence)s and outcome = 'done'
on conflict (document_id) do update set
    generation = excluded.generation, recipe = excluded.recipe, at = now()
where excluded.generation >= results.generation
"""
_EQUAL: Final = """
select document_id, generation, object_key from results
where owner = %s and recipe = %s and document_id <> %s order by at desc limit 3
"""


@dataclass(frozen=True)
class Result:
    """A whole result; its artifacts may be on their way out by now."""

    document_id: UUID
    generation: int
    object_key: str  # of the bytes that it was made of


async def note(tx: Transaction, lease: Lease, request: StageRequested, recipe: str) -> None:
    """Keep that the result is whole: after the row was removed, and nothing where it was not."""
    parameters = {
        "document_id": lease.key.document_id,
        "generation": lease.key.generation,
        "stage": lease.key.stage,
        "fence": lease.fence,
        "owner": request.owner,
        "recipe": recipe,
        "object_key": request.object_key,
    }
    await tx.execute(_NOTE, parameters)


async def equal(tx: Transaction, request: StageRequested, recipe: str) -> list[Result]:
    """Return up to three results of the same owner by *recipe*, the newest first."""
    cursor = await tx.execute(_EQUAL, (request.owner, recipe, request.document_id))
    return [Result(**row) for row in await cursor.fetchall()]


async def forget(
    tx: Transaction, document_id: UUID, *, below_generation: int | None = None
) -> None:
    """Offer what *document_id* has no more: nobody begins to take it over from here on."""
    await tx.execute(
        "delete from results where document_id = %s and generation < coalesce(%s, 2147483647)",
        (document_id, below_generation),
    )
