"""The breakers of the processor, as it told of them last."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table breakers (
            id boolean primary key default true check (id),
            observed_at timestamptz not null,
            items jsonb not null
        );
        """
    )
