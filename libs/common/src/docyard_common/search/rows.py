"""Rows out of the tables of the index, and embeddings into them."""

from collections.abc import Sequence
from typing import Any

from docyard_common.database.pool import Transaction


async def rows_of(
    tx: Transaction, statement: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return all rows that *statement* gives."""
    return await (await tx.execute(statement, parameters)).fetchall()


def vector(embedding: Sequence[float]) -> str:
    """Return *embedding* as pgvector reads it."""
    return "[" + ",".join(f"{number:.7g}" for number in embedding) + "]"
