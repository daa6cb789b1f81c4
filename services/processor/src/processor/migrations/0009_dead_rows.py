"""An index of the dead rows, which stay for a month: to count them, and to find those to forget."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index work_dead on work (waiting_since) include (stage) where state = 'dead'"
    )
