"""What runs have used, how the next one works, who works, and what was told of it last."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table work
            add column mode text not null default 'standard',
            add column started_at timestamptz; -- of the newest run
        alter table stage_runs
            add column waited_s double precision,
            add column mode text not null default 'standard',
            add column pages integer,
            add column peak_memory_bytes bigint;
        create table crews (
            worker text not null,
            stage text not null,
            slots integer not null,
            seen_at timestamptz not null default now(),
            primary key (worker, stage)
        );
        create table observations (
            id boolean primary key default true check (id),
            at timestamptz not null
        );
        insert into observations (at) values ('-infinity');
        """
    )
