"""How each attempt of a dead letter worked: the steps of the retry ladder."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table retries
            add column mode text,
            add column next_mode text,
            add column peak_memory_bytes bigint;
        """
    )
