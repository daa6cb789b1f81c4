"""What an owner has deleted lately is looked up by readers of the entity graph."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Hash: it sets no limit on the length of an owner.
    op.execute("create index tombstones_owner on tombstones using hash (owner)")
