"""Adds records to the outbox inside the caller's transaction."""

import zlib
from itertools import chain

from docyard_common.database.pool import Transaction
from docyard_common.events import codec
from docyard_common.events.envelope import Event
from docyard_common.observability.tracing import current_traceparent
from docyard_common.outbox.schema import SHARDS

_INSERT = "insert into outbox (shard, topic, key, value, header_names, header_values) values "
_ROW = "(%s, %s, %s, %s, %b, %b)"
_ROWS_AT_ONCE = 100
"""Well below the 65,535 parameters that a statement may have."""


class Outbox:
    """Writes events and raw records; a Relay publishes them once the transaction has committed."""

    def __init__(self, *, source: str) -> None:
        """*source* is the service's name: it becomes the `ce_source` of its events."""
        self._source = source

    async def publish(self, tx: Transaction, topic: str, *events: Event) -> None:
        """Add *events* for *topic* (without prefix), with the trace context of the caller."""
        await self.add(tx, *(self.record(topic, event) for event in events))

    def record(self, topic: str, event: Event) -> codec.Record:
        """Return *event* as the record that `publish` would add."""
        record = codec.encode(event, topic=topic, source=self._source)
        if traceparent := current_traceparent():
            headers = (*record.headers, ("traceparent", traceparent.encode()))
            return codec.Record(record.topic, record.key, record.value, headers)
        return record

    async def add(self, tx: Transaction, *records: codec.Record) -> None:
        """Add raw *records*; those of one key keep their order on the way to Kafka."""
        # One statement, and so one NOTIFY: rows get their ids in the order of the list.
        for start in range(0, len(records), _ROWS_AT_ONCE):
            rows = [_row(record) for record in records[start : start + _ROWS_AT_ONCE]]
            await tx.execute(_INSERT + ", ".join([_ROW] * len(rows)), list(chain(*rows)))


def _row(record: codec.Record) -> tuple[object, ...]:
    names = [name.encode() for name, _ in record.headers]
    values = [value for _, value in record.headers]
    shard = zlib.crc32(record.key or b"") % SHARDS
    return (shard, record.topic, record.key, record.value, names, values)
