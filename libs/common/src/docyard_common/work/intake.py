"""Turns records into rows; a row that exists, is done or is cancelled is left alone."""

from collections.abc import Sequence

from docyard_common.database.locks import lock_documents
from docyard_common.database.pool import Transaction
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.work import stopping
from docyard_common.work.model import WorkOrder
from docyard_common.work.schema import CHANNEL

_INSERT = """
insert into work (
    document_id, generation, stage, lane, owner, bulky, topic, partition, "offset", timestamp_ms,
    key, value, header_names, header_values, replay_ids, media_type, size_bytes, memory_bytes
)
select %(document_id)s, %(generation)s, %(stage)s, %(lane)s, %(owner)s, %(bulky)s, %(topic)s,
    %(partition)s, %(offset)s, %(timestamp_ms)s, %(key)s, %(value)s, %(names)b, %(values)b,
    %(replay_ids)s, %(media_type)s, %(size_bytes)s, %(memory_bytes)s
where (%(again)s or not exists (
    select from stage_runs where document_id = %(document_id)s and generation = %(generation)s
        and stage = %(stage)s and outcome = 'done'
) or exists ( -- a reconciled run died of a stage that had been done before
    select from work where document_id = %(document_id)s and generation = %(generation)s
        and stage = %(stage)s and state = 'dead'
)) and not exists (
    select from cancellations
    where document_id = %(document_id)s and cancellations.generation >= %(generation)s
)
on conflict (document_id, generation, stage) do update set
    state = 'waiting', due_at = now(), waiting_since = now(), attempt = 1, deliveries = 0,
    mode = 'standard', memory_bytes = excluded.memory_bytes,
    lease_until = null, worker = null, topic = excluded.topic, partition = excluded.partition,
    "offset" = excluded."offset", timestamp_ms = excluded.timestamp_ms, key = excluded.key,
    value = excluded.value, header_names = excluded.header_names,
    header_values = excluded.header_values, replay_ids = work.replay_ids || excluded.replay_ids
where work.state = 'dead' and cardinality(excluded.replay_ids) > 0
    and not work.replay_ids @> excluded.replay_ids
"""

_WAITING = """
select count(*) as rows from work where stage = %s and lane = %s and state = 'waiting'
"""

_REJECT = """
insert into rejected_records (topic, partition, "offset") values (%s, %s, %s)
on conflict do nothing
"""


async def waiting(tx: Transaction, stage: Stage, lane: Priority) -> int:
    """Return how many rows of *lane* wait for a slot of *stage*."""
    cursor = await tx.execute(_WAITING, (stage, lane))
    row = await cursor.fetchone()
    return int(row["rows"]) if row else 0


async def take(tx: Transaction, orders: Sequence[WorkOrder]) -> int:
    """Add a row for each of *orders* and wake the slots; idempotent. Return how many there were.

    A dead row waits again when the record carries a replay id that it has not seen.
    """
    async with tx.cursor() as cursor:
        async with tx.pipeline():
            # A cancel of the same document holds the same lock: each sees what the other decided.
            await lock_documents(tx, [order.request.document_id for order in orders])
            for order in orders:
                if order.request.generation > 1:
                    await stopping.supersede(
                        tx, order.request.document_id, order.request.generation
                    )
            await cursor.executemany(_INSERT, [_parameters(order) for order in orders])
            for stage in {order.request.stage for order in orders}:
                await tx.execute("select pg_notify(%s, %s)", (CHANNEL, f"work:{stage}"))
        return cursor.rowcount  # known once the pipeline has ended


async def reject_once(tx: Transaction, record: ReceivedRecord) -> bool:
    """Note that *record* can not be decoded; false when that was noted before."""
    place = (record.topic, record.partition, record.offset)
    return (await tx.execute(_REJECT, place)).rowcount == 1


def _parameters(order: WorkOrder) -> dict[str, object]:
    record, request = order.record, order.request
    return {
        "document_id": request.document_id,
        "generation": request.generation,
        "stage": request.stage,
        "lane": request.priority,
        "owner": request.owner,
        "bulky": order.bulky,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key,
        "value": record.value,
        "names": [name.encode() for name, _ in record.headers],
        "values": [value for _, value in record.headers],
        "again": order.is_reconciling,
        "media_type": request.content_type,
        "size_bytes": request.size_bytes,
        "memory_bytes": order.memory_bytes,
        "replay_ids": [order.replay_id] if order.replay_id else [],
    }
