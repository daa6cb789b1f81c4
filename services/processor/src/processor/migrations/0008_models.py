"""What language models have cost: by document and by day."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table model_documents (
            document_id uuid not null,
            generation integer not null,
            requests integer not null,
            tokens bigint not null,
            at timestamptz not null default now(),
            primary key (document_id, generation)
        );
        create table model_days (
            day date primary key, -- UTC
            requests bigint not null,
            tokens bigint not null
        );
        """
    )
