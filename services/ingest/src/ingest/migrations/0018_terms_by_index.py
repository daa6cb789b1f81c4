"""What is due is found without reading what has not been touched, or was served already."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create index documents_ended_of_owner on documents (owner, completed_at)
            where completed_at is not null and deleted_at is null;
        create index documents_with_original on documents (completed_at, owner)
            where completed_at is not null and deleted_at is null
                and original_removed_at is null;
        create index documents_with_artifacts on documents (completed_at, owner)
            where completed_at is not null and deleted_at is null
                and artifacts_removed_generation < greatest(generation, 1);
        """
    )
