"""Locks that follow the document, not the row: facts of one document commit in order."""

from uuid import UUID

from docyard_common.database.pool import Transaction


async def lock_document(tx: Transaction, document_id: UUID) -> None:
    """Wait for the transaction-level advisory lock of *document_id*; released at its end.

    Whoever adds outbox rows of a document takes it first: then their ids commit in order, and two
    decisions about one document (a finish and a cancel) see each other. Ids are spread over 63 bits
    of the UUID's random part; a clash only makes two documents wait for each other.
    """
    await tx.execute("select pg_advisory_xact_lock(%s)", (document_id.int & (2**62 - 1),))
