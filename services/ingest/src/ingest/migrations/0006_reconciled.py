"""When the work of a document was last asked for again."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents add column reconciled_at timestamptz;
        create index documents_in_work on documents (document_id)
            where completed_at is null and deleted_at is null;
        """
    )
