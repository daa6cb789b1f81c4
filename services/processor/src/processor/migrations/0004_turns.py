"""An index by which owners take turns, and the slots that operators have set."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        drop index work_waiting;
        create index work_turns on work (stage, lane, owner, waiting_since)
            where state = 'waiting';
        create table stage_slots (
            stage text primary key,
            slots integer not null check (slots between 0 and 64),
            set_by text not null,
            at timestamptz not null default now()
        );
        """
    )
