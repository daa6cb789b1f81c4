"""How long things are kept for each owner, and who has erased what."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table documents add column original_removed_at timestamptz;
        create index documents_ended on documents (completed_at)
            where completed_at is not null and deleted_at is null;
        create table retention (
            owner text primary key,
            documents_days integer,
            originals_days integer,
            events_days integer,
            changed_at timestamptz not null,
            changed_by text not null
        );
        create table erasures (
            id bigint generated always as identity primary key,
            at timestamptz not null,
            actor text not null,
            what text not null
                check (what in ('document', 'original', 'events', 'retention_changed')),
            owner text not null,
            document_id uuid,
            detail jsonb not null default '{}'
        );
        create index erasures_owner on erasures (owner, id desc);
        """
    )
