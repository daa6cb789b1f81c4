"""What documents wait for, and what the processor last told of its work."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents
            add column waits_for text,
            add column waiting_since timestamptz;
        create index documents_waiting on documents (waits_for, priority, waiting_since)
            where waits_for is not null and deleted_at is null;
        create table observations (
            id boolean primary key default true check (id),
            observed_at timestamptz not null,
            data jsonb not null
        );
        """
    )
