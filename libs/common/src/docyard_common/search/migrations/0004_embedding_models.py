"""Which model made an embedding: of another one's it is no neighbour.

Rows from before have none; they are embedded again in the background, as after a change of model.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents add column embedding_model text; -- that of all of its chunks
        alter table chunks add column embedding_model text;
        """
    )
