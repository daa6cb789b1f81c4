"""Breakers as they were last left, for a process that starts and for operators."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table breakers (
            stage text not null,
            dependency text not null,
            state text not null check (state in ('closed', 'half_open', 'open')),
            failures integer not null,
            opened_at timestamptz,
            retry_at timestamptz,
            reset_at timestamptz, -- by an operator: open breakers from before close
            at timestamptz not null default now(),
            primary key (stage, dependency)
        );
        """
    )
