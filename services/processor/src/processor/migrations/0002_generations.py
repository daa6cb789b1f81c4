"""Erasures are of one kind each: a document, a generation, its artifacts, or older ones."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table erasures add column kind text not null default 'document'
            check (kind in ('document', 'generation', 'artifacts', 'older'));
        update erasures set kind = 'generation' where generation is not null;
        alter table erasures alter column kind drop default;
        alter table erasures drop constraint erasures_pkey;
        alter table erasures add primary key (document_id, prefix, kind);
        """
    )
