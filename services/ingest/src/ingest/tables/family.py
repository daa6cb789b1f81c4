"""Who was found inside whom, in the table `documents`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.events.documents import ChildrenAccepted, StageFinished
from docyard_common.events.stages import DocumentState, Stage

_TAKES: Final = """
select 1 from documents
where document_id = %s and owner = %s and deleted_at is null and cancelled_generation < %s
"""
_FAMILY: Final = """
with recursive family as (
    select * from documents where parent_id = %(document_id)s
    union all
    select d.* from documents d join family f on d.parent_id = f.document_id
)
"""
_RELATIVE: Final = """
select document_id, owner, greatest(generation, 1) as generation, sha256,
    case when result_generation > artifacts_removed_generation then result_generation end
        as kept_result,
    state = any(%(ended)s) as ended
from family
"""
# What became of the files of a generation is told once, behind those of earlier ones.
_EXPECTS: Final = """
exists (
    select from document_events found
    where found.document_id = {document_id} and found.type = %(finished)s
        and found.data ->> 'stage' = %(extract)s and found.data -> 'results' ? 'children'
        and not exists (
            select from document_events told
            where told.document_id = found.document_id and told.type = %(told)s
                and (told.data ->> 'generation')::int >= (found.data ->> 'generation')::int
        )
)
"""
_EXPECTED: Final = {
    "finished": StageFinished.type,
    "extract": str(Stage.EXTRACT),
    "told": ChildrenAccepted.type,
}
_NOT_DELETED: Final = f"""
{_FAMILY} {_RELATIVE}
where deleted_at is null order by document_id limit %(limit)s
"""
_IN_WORK: Final = f"""
{_FAMILY} {_RELATIVE}
where deleted_at is null and document_id > %(after)s
    and (state <> all(%(ended)s) or {_EXPECTS.format(document_id="family.document_id")})
order by document_id limit %(limit)s
"""
_ENDED: Final = [str(state) for state in DocumentState if state.is_terminal]
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True)
class Relative:
    """A document at any depth below another one."""

    document_id: UUID
    owner: str
    generation: int  # the newest that was asked for
    sha256: str
    kept_result: int | None  # as of a `Document`
    ended: bool


async def takes_children(
    tx: Transaction, document_id: UUID, *, owner: str, generation: int
) -> bool:
    """Whether what was found in *generation* may become documents.

    It stays so while the caller has `lock_child`: who deletes or cancels takes the parent's lock.
    No row is locked, so that the projector goes on with the parent however many children come.
    """
    cursor = await tx.execute(_TAKES, (document_id, owner, generation))
    return await cursor.fetchone() is not None


async def cancelled(tx: Transaction, document_id: UUID, *, generation: int) -> None:
    """Take no more children of *generation* and those before."""
    await tx.execute(
        "update documents set cancelled_generation = greatest(cancelled_generation, %s)"
        " where document_id = %s",
        (generation, document_id),
    )


async def expects_children(tx: Transaction, document_id: UUID) -> bool:
    """Whether files were found inside the document of which it is not told what became of them."""
    statement = "select " + _EXPECTS.format(document_id="%(document_id)s") + " as expects"
    row = await (await tx.execute(statement, {"document_id": document_id, **_EXPECTED})).fetchone()
    return bool(row and row["expects"])


async def not_deleted(tx: Transaction, document_id: UUID, *, limit: int) -> list[Relative]:
    """Return up to *limit* relatives below *document_id* that are not deleted."""
    return await _relatives(tx, _NOT_DELETED, {"document_id": document_id, "limit": limit})


async def in_work(
    tx: Transaction, document_id: UUID, *, after: UUID = _FIRST, limit: int
) -> list[Relative]:
    """Return up to *limit* relatives below *document_id* that have work to come, by their ids.

    Those are in work, or have ended with children that are still to come.
    """
    parameters = {"document_id": document_id, "after": after, "limit": limit, **_EXPECTED}
    return await _relatives(tx, _IN_WORK, parameters)


async def known(tx: Transaction, document_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of *document_ids* have a row at all."""
    cursor = await tx.execute(
        "select document_id from documents where document_id = any(%s)", (list(document_ids),)
    )
    return {row["document_id"] for row in await cursor.fetchall()}


async def _relatives(tx: Transaction, statement: str, parameters: dict[str, Any]) -> list[Relative]:
    cursor = await tx.execute(statement, {"ended": _ENDED, **parameters})
    return [Relative(**row) for row in await cursor.fetchall()]
