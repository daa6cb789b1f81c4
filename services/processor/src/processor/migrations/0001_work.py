"""The work table, its history, and the outbox."""

from alembic import op

from docyard_common.outbox import CREATE_OUTBOX
from docyard_common.work.schema import CREATE_WORK

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_WORK)
    op.execute(CREATE_OUTBOX)
