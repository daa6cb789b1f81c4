"""The outbox table: each service has its own, in its own schema."""

from typing import Final

SHARDS: Final = 8
"""Rows are spread over this many shards by key; a relay owns whole shards."""

CREATE_OUTBOX: Final = """
create table outbox (
    id bigint generated always as identity primary key,
    shard smallint not null,
    topic text not null,
    key bytea,
    value bytea,
    header_names bytea[] not null, -- Kafka allows NUL in them, text does not
    header_values bytea[] not null,
    created_at timestamptz not null default now()
);
create index outbox_shard on outbox (shard, id);
alter table outbox set (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

create function outbox_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify(tg_table_schema || '_outbox', '');
    return null;
end $$;
create trigger outbox_notify after insert on outbox
    for each statement execute function outbox_notify();
"""
"""DDL for a service's first migration. The trigger wakes the relays when the insert commits."""


def channel(schema: str) -> str:
    """Name of the NOTIFY channel of the outbox in *schema*."""
    return f"{schema}_outbox"
