"""Folder jobs, their files, and which documents were made of which files."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JOBS = """
create table sync_jobs (
    job_id uuid primary key,
    upload_id text not null,
    created_by text not null,
    fingerprint text not null,
    owner text not null,
    source_folder text not null,
    bucket text,
    prefix text not null,
    patterns text[] not null,
    watch boolean not null,
    process boolean not null,
    priority text not null,
    state text not null default 'PENDING',
    failure_reason text,
    passes integer not null default 0,
    total_files bigint not null default 0,
    completed_files bigint not null default 0,
    failed_files bigint not null default 0,
    skipped_files jsonb not null default '{}',
    total_bytes bigint not null default 0,
    uploaded_bytes bigint not null default 0,
    waiting_for text,
    fence integer not null default 0,
    worker text,
    lease_until timestamptz,
    due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    finished_at timestamptz,
    deleted_at timestamptz
) with (fillfactor = 70);
create unique index sync_jobs_upload on sync_jobs (created_by, upload_id) where deleted_at is null;
create index sync_jobs_creator on sync_jobs (created_by, job_id desc) where deleted_at is null;
create index sync_jobs_due on sync_jobs (due_at) where deleted_at is null and due_at is not null;
create index sync_jobs_deleted on sync_jobs (deleted_at) where deleted_at is not null;
"""

_FILES = """
create table sync_files (
    job_id uuid not null references sync_jobs on delete cascade,
    path text collate "C" not null,
    state text not null default 'PENDING',
    size_bytes bigint not null,
    mtime_ns bigint not null,
    ctime_ns bigint not null,
    is_folder boolean not null default false,
    maybe_stored boolean not null default false,
    attempts integer not null default 0,
    due_at timestamptz not null,
    failure_reason text,
    etag text,
    sha256 text,
    document_id uuid,
    updated_at timestamptz not null,
    primary key (job_id, path)
) with (fillfactor = 80);
create index sync_files_open on sync_files (job_id, path) where state in ('PENDING', 'IN_PROGRESS');
create index sync_files_failed on sync_files (job_id, path) where state = 'FAILED';
"""

_DOCUMENTS = """
create table sync_documents (
    owner text not null,
    source text not null, -- hex SHA-256 of the file's path: paths are longer than index entries
    sha256 text not null,
    document_id uuid not null,
    primary key (owner, source, sha256)
);
"""


def upgrade() -> None:
    for statements in (_JOBS, _FILES, _DOCUMENTS):
        op.execute(statements)
