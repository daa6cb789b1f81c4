"""Documents, their facts, idempotency keys, tombstones, the sweep's position and the outbox."""

from alembic import op

from docyard_common.outbox import CREATE_OUTBOX

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_DOCUMENTS = """
create table documents (
    document_id uuid primary key,
    owner text not null,
    filename text not null,
    content_type text not null,
    size_bytes bigint not null,
    sha256 text not null,
    object_key text not null,
    priority text not null,
    metadata jsonb not null,
    created_at timestamptz not null,
    generation integer not null default 0,
    seq bigint not null default 0,
    updated_at timestamptz not null,
    state text not null default 'accepted',
    stage text,
    progress double precision not null default 0,
    pages_done integer,
    pages_total integer,
    message text not null default '',
    eta_s double precision,
    attempt integer not null default 1,
    error_code text,
    error_message text,
    error_retryable boolean,
    completed_at timestamptz,
    deleted_at timestamptz
) with (fillfactor = 70);
-- Ids are UUIDv7: their order is the order of arrival, so pages need no other column.
create index documents_owner on documents (owner, document_id desc) where deleted_at is null;
create index documents_deleted on documents (deleted_at) where deleted_at is not null;
"""

_EVENTS = """
create table document_events (
    document_id uuid not null references documents on delete cascade,
    seq bigint not null,
    type text not null,
    at timestamptz not null,
    data jsonb not null,
    primary key (document_id, seq, type)
);
"""

_IDEMPOTENCY_KEYS = """
create table idempotency_keys (
    owner text not null,
    route text not null,
    key text not null,
    fingerprint text not null,
    document_id uuid not null,
    created_at timestamptz not null,
    primary key (owner, route, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
"""

_TOMBSTONES = """
create table tombstones (
    document_id uuid primary key,
    owner text not null,
    erased_at timestamptz not null
);
create index tombstones_age on tombstones (erased_at);
"""

_SWEEPS = """
create table sweeps (
    name text primary key,
    swept_until timestamptz not null
);
"""


def upgrade() -> None:
    for statements in (_DOCUMENTS, _EVENTS, _IDEMPOTENCY_KEYS, _TOMBSTONES, _SWEEPS, CREATE_OUTBOX):
        op.execute(statements)
