"""Writes deaths into `entries` and `failures`: a document has one entry for each stage."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from dlq_admin.domain.entries import EntryState
from dlq_admin.domain.letters import DeadLetter
from docyard_common.database import Transaction
from docyard_common.ids import uuid7

_KNOWN = "select 1 from failures where occurrence = %s"
_BY_DOCUMENT = "select * from entries where document_id = %s and stage = %s for update"
_BY_REPLAY = """
select * from entries
where replay_id = %s and stage = %s and document_id is null
  and key is not distinct from %s and value is not distinct from %s
order by id limit 1 for update
"""
_COLUMNS: Final = (
    "reason, owner, generation, seq, fingerprint, error_class, error_message, error_stack, "
    "attempt, trace_id, service_version, key, value, header_names, header_values, origin_topic, "
    "origin_partition, origin_offset, origin_group, dlq_topic, dlq_partition, dlq_offset"
)
_VALUES: Final = ", ".join(f"%({name})s" for name in _COLUMNS.split(", "))
_INSERT = f"""
insert into entries (id, state, stage, document_id, first_failed_at, last_failed_at, expires_at,
                     {_COLUMNS})
values (%(id)s, %(state)s, %(stage)s, %(document_id)s, %(first_failed_at)s, %(failed_at)s,
        %(expires_at)s, {_VALUES})
"""  # noqa: S608 - put together from constants
_REPLACE = f"""
update entries set
    ({_COLUMNS}) = row({_VALUES}),
    state = %(state)s, count = count + 1, last_failed_at = %(failed_at)s,
    first_failed_at = least(first_failed_at, %(first_failed_at)s), expires_at = %(expires_at)s,
    settled_at = null, settled_by = null, settled_reason = null
where id = %(id)s
"""  # noqa: S608 - put together from constants
_COUNT_OLDER = """
update entries set count = count + 1, first_failed_at = least(first_failed_at, %(first_failed_at)s)
where id = %(id)s
"""
_ADD_FAILURE = """
insert into failures (occurrence, entry_id, stage, fingerprint, reason, error_class, error_message,
    error_stack, attempt, replay_id, service_version, dlq_topic, dlq_partition, dlq_offset,
    failed_at)
values (%(occurrence)s, %(id)s, %(stage)s, %(fingerprint)s, %(reason)s, %(error_class)s,
    %(error_message)s, %(error_stack)s, %(attempt)s, %(replay_id)s, %(service_version)s,
    %(dlq_topic)s, %(dlq_partition)s, %(dlq_offset)s, %(failed_at)s)
"""
_FAILED_AGAIN = """
update replay_items set result = 'failed_again'
where replay_id = %s and entry_id = %s and result is null
"""


async def is_known(tx: Transaction, letter: DeadLetter) -> bool:
    """Whether this death has been indexed already, from this record or from a copy of it."""
    cursor = await tx.execute(_KNOWN, (letter.occurrence,))
    return await cursor.fetchone() is not None


async def find(tx: Transaction, letter: DeadLetter) -> dict[str, Any] | None:
    """Return and lock the entry that *letter* belongs to.

    By document and stage; a record that does not decode is found by the replay that sent it.
    """
    record = letter.record
    if letter.document_id is not None:
        cursor = await tx.execute(_BY_DOCUMENT, (letter.document_id, letter.stage))
    elif letter.replay_id is not None:
        arguments = (letter.replay_id, letter.stage, record.key, record.value)
        cursor = await tx.execute(_BY_REPLAY, arguments)
    else:
        return None
    return await cursor.fetchone()


async def add(
    tx: Transaction, letter: DeadLetter, *, state: EntryState, expires_at: datetime
) -> UUID:
    """Make an entry of *letter*; return its id."""
    entry_id = uuid7()
    values = _values(letter, entry_id) | {"state": state.value, "expires_at": expires_at}
    await tx.execute(_INSERT, values)
    await tx.execute(_ADD_FAILURE, values)
    return entry_id


async def add_again(
    tx: Transaction,
    letter: DeadLetter,
    entry: dict[str, Any],
    *,
    state: EntryState,
    expires_at: datetime,
) -> None:
    """Count another death of *entry*; the newest one is what the entry shows."""
    values = _values(letter, entry["id"]) | {"state": state.value, "expires_at": expires_at}
    newest = letter.failed_at >= entry["last_failed_at"]
    await tx.execute(_REPLACE if newest else _COUNT_OLDER, values)
    await tx.execute(_ADD_FAILURE, values)
    if letter.replay_id is not None:
        await tx.execute(_FAILED_AGAIN, (letter.replay_id, entry["id"]))


def _values(letter: DeadLetter, entry_id: UUID) -> dict[str, Any]:
    record, origin, cause = letter.record, letter.origin, letter.cause
    return {
        "id": entry_id,
        "occurrence": letter.occurrence,
        "stage": letter.stage,
        "reason": letter.reason,
        "document_id": letter.document_id,
        "owner": letter.owner,
        "generation": letter.generation,
        "seq": letter.seq,
        "fingerprint": letter.fingerprint,
        "error_class": cause.class_name,
        "error_message": cause.message,
        "error_stack": cause.stack,
        "attempt": letter.attempt,
        "trace_id": letter.trace_id,
        "replay_id": letter.replay_id,
        "service_version": letter.service_version,
        "key": record.key,
        "value": record.value,
        "header_names": [name.encode(errors="surrogatepass") for name, _ in record.headers],
        "header_values": [value for _, value in record.headers],
        "origin_topic": origin.topic,
        "origin_partition": origin.partition,
        "origin_offset": origin.offset,
        "origin_group": origin.group,
        "dlq_topic": record.topic,
        "dlq_partition": record.partition,
        "dlq_offset": record.offset,
        "first_failed_at": letter.first_failed_at,
        "failed_at": letter.failed_at,
    }
