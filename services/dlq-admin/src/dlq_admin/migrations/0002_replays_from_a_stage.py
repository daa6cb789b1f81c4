"""Replays that begin at an earlier stage than the one that failed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table replays add column from_stage text")
