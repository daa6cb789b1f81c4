"""What was asked about an upload in a chat, and what was answered."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CHAT_JOBS = """
create table chat_jobs (
    job_id uuid primary key references documents (document_id) on delete cascade,
    session_id text not null,
    message text,
    reference_ids uuid[] not null,
    answer jsonb,
    answering_until timestamptz
);
"""


def upgrade() -> None:
    op.execute(_CHAT_JOBS)
