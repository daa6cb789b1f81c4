"""How long what was made of documents is kept, and up to which generation it is gone."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table retention add column artifacts_days integer;
        alter table documents
            add column artifacts_removed_generation integer not null default 0;
        -- Not valid: the lines that are there were held to less, and need not be read again.
        alter table erasures
            drop constraint erasures_what_check,
            add constraint erasures_what_check check (
                what in ('document', 'original', 'artifacts', 'events', 'retention_changed')
            ) not valid;
        """
    )
