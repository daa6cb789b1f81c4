"""What work may need of memory, what it has needed, and how much of it waits for some."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table work
            add column media_type text not null default '',
            add column size_bytes bigint not null default 0,
            add column memory_bytes bigint not null default 0;
        alter table crews add column waiting_for_memory integer not null default 0;
        create table memory_peaks (
            stage text not null,
            media_type text not null,
            size_class integer not null,
            peak_bytes bigint not null,
            at timestamptz not null default now(),
            primary key (stage, media_type, size_class)
        );
        """
    )
