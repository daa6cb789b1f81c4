"""Processing options of the documents that a folder job makes."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table sync_jobs add column options jsonb not null default '{}'")
