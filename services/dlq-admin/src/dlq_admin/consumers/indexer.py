"""Indexes every dead letter: nothing that failed is without an entry that a person can find."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from dlq_admin.domain.entries import after_failure
from dlq_admin.domain.letters import DeadLetter, read
from dlq_admin.tables import dead_letters, outcomes
from docyard_common.database import Database, Transaction, lock_documents
from docyard_common.delivery.headers import Cause
from docyard_common.kafka.received import ReceivedRecord

GROUP: Final = "dlq-admin.indexer"


class Indexer:
    """Applies batches of the topics `dlq.<stage>`."""

    def __init__(self, database: Database, *, max_replays: int, retention: timedelta) -> None:
        """*max_replays*: what fails after so many replays is parked. *retention* is the topics'."""
        self._database = database
        self._max_replays = max_replays
        self._retention = retention

    async def apply(self, batch: Sequence[ReceivedRecord]) -> None:
        """Index *batch* in one transaction; a record that comes again changes nothing.

        Raises DependencyUnavailableError.
        """
        # Sorted, so that two transactions never wait for each other's documents in a circle; the
        # sort is stable, so deaths of one document keep their order.
        letters = sorted((read(record) for record in batch), key=lambda letter: letter.sort_key)
        async with self._database.transaction() as tx:
            await _lock(tx, letters)
            for letter in letters:
                await self._index(tx, letter)

    async def reject(self, record: ReceivedRecord, error: Exception) -> None:
        """Index a record that `apply` alone can not: its bytes, and what stood in the way.

        Raises DependencyUnavailableError.
        """
        bare = read(replace(record, headers=()))
        letter = replace(bare, record=record, cause=Cause.of(error))
        async with self._database.transaction() as tx:
            await _lock(tx, [letter])
            await self._index(tx, letter)

    async def _index(self, tx: Transaction, letter: DeadLetter) -> None:
        if letter.document_id and await outcomes.is_erased(tx, letter.document_id):
            return
        if await dead_letters.is_known(tx, letter):
            return
        entry = await dead_letters.find(tx, letter)
        state = after_failure(
            replay_count=entry["replay_count"] if entry else 0,
            max_replays=self._max_replays,
            finished=await _finished_later(tx, letter),
        )
        expires_at = letter.failed_at + self._retention
        if entry is None:
            await dead_letters.add(tx, letter, state=state, expires_at=expires_at)
        else:
            await dead_letters.add_again(tx, letter, entry, state=state, expires_at=expires_at)


async def _lock(tx: Transaction, letters: Sequence[DeadLetter]) -> None:
    await lock_documents(tx, [one.document_id for one in letters if one.document_id is not None])


async def _finished_later(tx: Transaction, letter: DeadLetter) -> bool:
    if letter.document_id is None:
        return False
    return await outcomes.finished_seq(tx, letter.document_id, letter.stage) > letter.seq
