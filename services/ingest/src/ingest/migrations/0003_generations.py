"""Options and visible results of documents, and operations on many of them."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents
            add column options jsonb not null default '{}',
            add column result_generation integer,
            add column pipeline_version integer not null default 0;
        update documents set result_generation = greatest(generation, 1)
            where state = 'completed';

        create table bulk_operations (
            id uuid primary key,
            kind text not null check (kind in ('cancel', 'reprocess')),
            status text not null
                check (status in ('pending', 'running', 'paused', 'completed', 'cancelled')),
            actor text not null,
            selector jsonb not null,
            from_stage text,
            priority text,
            rate_per_s double precision not null,
            max_in_work integer not null,
            reason text,
            matched integer not null,
            done integer not null default 0,
            skipped jsonb not null default '{}',
            created_at timestamptz not null,
            started_at timestamptz,
            ticked_at timestamptz,
            finished_at timestamptz
        );
        create index bulk_operations_actor on bulk_operations (actor, id desc);
        create index bulk_operations_live on bulk_operations (ticked_at)
            where status in ('pending', 'running');
        create table bulk_items (
            operation_id uuid not null references bulk_operations on delete cascade,
            position integer not null,
            document_id uuid not null,
            owner text not null,
            generation integer not null, -- when the operation was ordered
            outcome text not null default 'waiting'
                check (outcome in ('waiting', 'done', 'skipped')),
            detail text,
            primary key (operation_id, position)
        );
        create index bulk_items_waiting on bulk_items (operation_id, position)
            where outcome = 'waiting';
        """
    )
