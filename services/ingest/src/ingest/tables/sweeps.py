"""The table `sweeps`: up to which moment the store has been compared with the rows."""

from datetime import datetime

from docyard_common.database import Transaction


async def swept_until(tx: Transaction, name: str) -> datetime | None:
    """Return how far the sweep *name* has come; None before its first run."""
    cursor = await tx.execute("select swept_until from sweeps where name = %s", (name,))
    row = await cursor.fetchone()
    return None if row is None else row["swept_until"]


async def advance(tx: Transaction, name: str, *, until: datetime) -> None:
    """Remember that everything before *until* has been looked at; never moves back."""
    await tx.execute(
        "insert into sweeps (name, swept_until) values (%s, %s) on conflict (name) do update"
        " set swept_until = greatest(sweeps.swept_until, excluded.swept_until)",
        (name, until),
    )
