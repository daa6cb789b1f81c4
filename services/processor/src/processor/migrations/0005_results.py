"""Whole results by what they follow from, so that equal documents can take them over."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table results (
            document_id uuid primary key,
            generation integer not null,
            owner text not null,
            recipe text not null,
            object_key text not null,
            at timestamptz not null default now()
        );
        create index results_recipe on results (owner, recipe, at desc);
        """
    )
