"""What in the index has embeddings of another model, and how it gets those of this one."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from docyard_common.database.pool import Transaction
from docyard_common.search.port import Outdated, StoredChunk

_DOCUMENTS: Final = """
select document_id, owner, generation from search.documents
where embedding_model is distinct from %(model)s and document_id <> all (%(without)s)
order by indexed_at desc limit %(limit)s
"""

_COUNT: Final = """
select count(*) as documents from search.documents
where embedding_model is distinct from %(model)s
"""

# The generation is looked at, too: its successor's chunks have the same ordinals.
_SAME: Final = """
select from search.documents
where document_id = %(document_id)s and generation = %(generation)s
"""

_CHUNKS: Final = f"""
select ordinal, text, page_first, page_last, start_at as start, end_at as end, heading
from search.chunks
where document_id = %(document_id)s and embedding_model is distinct from %(model)s
    and exists ({_SAME})
order by ordinal limit %(limit)s
"""  # noqa: S608 - made of what stands here

_RENEW_CHUNKS: Final = """
update search.chunks c set embedding = new.embedding::vector, embedding_model = %(model)s
from unnest(%(ordinals)s::integer[], %(embeddings)s::text[]) as new (ordinal, embedding)
where c.document_id = %(document_id)s and c.ordinal = new.ordinal
"""

_RENEW_DOCUMENT: Final = """
update search.documents d set embedding_model = %(model)s
where d.document_id = %(document_id)s and not exists (
    select from search.chunks c
    where c.document_id = d.document_id and c.embedding_model is distinct from %(model)s
)
"""


async def documents(
    tx: Transaction, model: str, *, limit: int, without: Collection[UUID]
) -> list[Outdated]:
    """Return documents that await embeddings of *model*, those indexed last first."""
    parameters = {"model": model, "limit": limit, "without": list(without)}
    cursor = await tx.execute(_DOCUMENTS, parameters)
    return [Outdated(**row) for row in await cursor.fetchall()]


async def count(tx: Transaction, model: str) -> int:
    """Return how many documents await embeddings of *model*."""
    row = await (await tx.execute(_COUNT, {"model": model})).fetchone()
    return int(row["documents"]) if row else 0


async def chunks(
    tx: Transaction, model: str, document: Outdated, *, limit: int
) -> list[StoredChunk]:
    """Return chunks of *document* without an embedding of *model*, in reading order."""
    parameters = {
        "document_id": document.document_id,
        "generation": document.generation,
        "model": model,
        "limit": limit,
    }
    cursor = await tx.execute(_CHUNKS, parameters)
    return [StoredChunk(**row) for row in await cursor.fetchall()]


async def renew(
    tx: Transaction, model: str, document: Outdated, embeddings: Mapping[int, str]
) -> None:
    """Write *embeddings* of *model*, as pgvector reads them, by ordinal; holds the lock already."""
    parameters: dict[str, Any] = {
        "document_id": document.document_id,
        "generation": document.generation,
        "model": model,
        "ordinals": list(embeddings),
        "embeddings": list(embeddings.values()),
    }
    same = await tx.execute(_SAME, parameters)
    if same.rowcount == 0:
        return
    await tx.execute(_RENEW_CHUNKS, parameters)
    await tx.execute(_RENEW_DOCUMENT, parameters)
