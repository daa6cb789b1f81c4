"""Uploads in several requests, their parts, and what makes equal content share its bytes."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DOCUMENTS = """
create index documents_content on documents (owner, sha256) where deleted_at is null;
create index documents_object on documents (object_key);
"""

_UPLOADS = """
create table uploads (
    upload_id uuid primary key,
    document_id uuid not null unique,
    owner text not null,
    mode text not null,
    state text not null default 'open',
    filename text not null,
    declared_type text,
    size_bytes bigint,
    sha256 text,
    priority text not null,
    options jsonb not null,
    metadata jsonb not null,
    part_bytes bigint not null,
    object_key text not null unique,
    multipart_id text,
    tail_key text,
    tail_bytes bigint not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    result_id uuid,
    refusal text,
    leftovers boolean not null default true, -- the store may hold bytes that nobody needs
    keeps_object boolean not null default false, -- a document lives on the object
    lease_holder uuid,
    lease_until timestamptz
);
create index uploads_active on uploads (owner, upload_id desc) where ended_at is null;
create index uploads_expiring on uploads (expires_at) where ended_at is null;
create index uploads_ended on uploads (ended_at) where ended_at is not null;
create index uploads_leftovers on uploads (ended_at) where leftovers and ended_at is not null;

create table upload_parts (
    upload_id uuid not null references uploads on delete cascade,
    number integer not null,
    size_bytes bigint not null,
    sha256 text not null,
    etag text not null,
    primary key (upload_id, number)
);
"""


def upgrade() -> None:
    op.execute(_DOCUMENTS)
    op.execute(_UPLOADS)
