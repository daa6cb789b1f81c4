"""What kind of paper a document is: searches are narrowed to it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table documents add column document_type text")
