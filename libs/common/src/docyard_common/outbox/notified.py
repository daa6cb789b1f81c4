"""Waits for a NOTIFY on a connection that is used for other statements as well."""

from docyard_common.database.pool import Transaction


async def notified(connection: Transaction, *, within_s: float) -> int:
    """Wait for a NOTIFY; return how many were heard, also since the last call, 0 after *within_s*.

    psycopg keeps what comes during other statements, without a bound, and gives it first. All of
    it is taken here at once: one each time would be as many reads in vain, and would never end
    where more come than reads are made.
    """
    heard = 0
    async for _ in connection.notifies(timeout=within_s, stop_after=1):
        heard += 1
    return heard
