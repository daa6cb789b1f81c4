"""Dead letters, their history, replays and the audit log."""

from alembic import op

from docyard_common.outbox.schema import CREATE_OUTBOX

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ENTRIES = """
create table entries (
    id uuid primary key,
    state text not null check (state in
        ('open', 'replaying', 'replayed', 'resolved', 'parked', 'discarded', 'expired')),
    stage text not null,
    reason text not null,
    document_id uuid,             -- null where the record does not decode
    owner text,
    generation integer not null,
    seq bigint not null,          -- of the request that failed: success has a higher one
    fingerprint text not null,
    error_class text not null,
    error_message text not null,
    error_stack text not null,
    attempt integer not null,
    trace_id text,
    service_version text,
    key bytea,
    value bytea,
    header_names bytea[] not null, -- bytes: Kafka allows names that `text` does not
    header_values bytea[] not null,
    origin_topic text not null,
    origin_partition integer not null,
    origin_offset bigint not null,
    origin_group text,
    dlq_topic text not null,
    dlq_partition integer not null,
    dlq_offset bigint not null,
    count integer not null default 1,
    replay_count integer not null default 0,
    replay_id uuid,               -- the replay that holds the entry, or sent it last
    replayed_at timestamptz,
    settled_at timestamptz,
    settled_by text,
    settled_reason text,
    first_failed_at timestamptz not null,
    last_failed_at timestamptz not null,
    expires_at timestamptz not null
);
create unique index entries_document on entries (document_id, stage)
    where document_id is not null;
create index entries_newest on entries (last_failed_at desc, id desc);
create index entries_group on entries (fingerprint, stage, reason, state);
create index entries_owner on entries using hash (owner); -- hash: no limit on its length
create index entries_replay on entries (replay_id) where replay_id is not null;
create index entries_expiry on entries (expires_at) where state in ('open', 'parked', 'replayed');
"""
_HISTORY = """
create table failures (
    id bigint generated always as identity primary key,
    occurrence text not null unique, -- the same death told twice is one
    entry_id uuid not null references entries on delete cascade,
    stage text not null,
    fingerprint text not null,
    reason text not null,
    error_class text not null,
    error_message text not null,
    error_stack text not null,
    attempt integer not null,
    replay_id uuid,
    service_version text,
    dlq_topic text not null,
    dlq_partition integer not null,
    dlq_offset bigint not null,
    failed_at timestamptz not null
);
create index failures_entry on failures (entry_id);
create index failures_time on failures (failed_at);

create table retries (
    document_id uuid not null,
    stage text not null,
    seq bigint not null,
    attempt integer not null,
    reason text not null,
    message text not null,
    at timestamptz not null,
    primary key (document_id, stage, seq)
);
create table stage_outcomes ( -- only of documents that have failed once
    document_id uuid not null,
    stage text not null,
    finished_seq bigint not null,
    at timestamptz not null,
    primary key (document_id, stage)
);
create table erased (
    document_id uuid primary key,
    erased_at timestamptz not null
);
"""
_REPLAYS = """
create table replays (
    id uuid primary key,
    status text not null check (status in
        ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    selector jsonb not null,
    target text not null,
    reason text not null,
    actor text not null,
    dry_run boolean not null,
    rate_per_s double precision not null,
    matched integer not null,
    moved integer not null default 0,
    failed integer not null default 0,
    skipped jsonb not null default '{}',
    preview jsonb,
    idempotency_key text,
    request_hash text,
    lease_owner text,
    lease_until timestamptz,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz
);
create unique index replays_idempotency on replays (actor, idempotency_key)
    where idempotency_key is not null;
create index replays_active on replays (created_at) where status in ('pending', 'running');
create index replays_newest on replays (created_at desc, id desc);

create table replay_items (
    replay_id uuid not null references replays,
    position integer not null,
    entry_id uuid not null,
    outcome text not null check (outcome in ('waiting', 'moved', 'skipped', 'failed')),
    detail text,
    result text check (result in ('resolved', 'failed_again')), -- what came of it once moved
    at timestamptz,
    primary key (replay_id, position)
);
create index replay_items_waiting on replay_items (replay_id, position) where outcome = 'waiting';
create index replay_items_entry on replay_items (entry_id);
"""
_AUDIT = """
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    request_id text,
    operation text not null,
    selector jsonb not null,
    counts jsonb not null,
    reason text
);
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
"""


def upgrade() -> None:
    for statements in (_ENTRIES, _HISTORY, _REPLAYS, _AUDIT, CREATE_OUTBOX):
        op.execute(statements)
