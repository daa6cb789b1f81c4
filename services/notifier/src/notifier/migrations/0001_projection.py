"""The projection of documents, and the outbox for cancel commands."""

from alembic import op

from docyard_common.outbox.schema import CREATE_OUTBOX

revision = "0001"
down_revision = None

_PROJECTION = """
create table documents (
    document_id uuid primary key,
    owner text not null,
    seq bigint not null,
    terminal boolean not null default false,
    view jsonb,
    updated_at timestamptz not null default now()
) with (fillfactor = 70);
create index documents_active on documents (owner, document_id) where not terminal;
create index documents_deleted on documents (updated_at) where (view ->> 'deleted')::boolean;

create table facts (
    document_id uuid not null,
    seq bigint not null,
    data jsonb not null,
    terminal boolean not null,
    at timestamptz not null default now(),
    primary key (document_id, seq)
);
create index facts_at on facts (at);

create table positions (
    topic text not null,
    partition integer not null,
    next_offset bigint not null,
    primary key (topic, partition)
);
"""


def upgrade() -> None:
    op.execute(_PROJECTION)
    op.execute(CREATE_OUTBOX)
