"""What tus clients said when they created an upload."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TUS = """
create table tus_uploads (
    upload_id uuid primary key references uploads on delete cascade,
    metadata text,
    concat text
);
create index tus_uploads_concat on tus_uploads (md5(concat)) where concat is not null;
"""


def upgrade() -> None:
    op.execute(_TUS)
