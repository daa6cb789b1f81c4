"""Documents that were found inside others."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents
            add column parent_id uuid,
            add column lineage jsonb,
            -- A cancel holds for the children that are still on their way.
            add column cancelled_generation integer not null default 0;
        create index documents_children on documents (parent_id, document_id)
            where parent_id is not null;
        """
    )
