"""What kind of paper a document is, as its newest whole result says."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table documents add column document_type text")
