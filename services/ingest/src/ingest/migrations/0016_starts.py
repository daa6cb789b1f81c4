"""What a document's newest generation began with, so that it can be asked for again."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table documents add column start jsonb")
