"""What single owners may do, who changed that, what they use, and their uploads under way."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LIMITS = """
create table owner_limits (
    owner text primary key,
    overrides jsonb not null,
    changed_at timestamptz not null,
    changed_by text not null
);
create table limit_changes (
    id bigint generated always as identity primary key,
    owner text not null,
    at timestamptz not null,
    actor text not null,
    before jsonb,
    after jsonb
);
create index limit_changes_owner on limit_changes (owner, id desc);
"""

_OPEN_UPLOADS = """
create table open_uploads (
    upload_id uuid primary key,
    owner text not null,
    size_bytes bigint not null,
    expires_at timestamptz not null
);
create index open_uploads_owner on open_uploads (owner);
create index open_uploads_age on open_uploads (expires_at);
"""

_USAGE = """
create table owner_usage (
    owner text primary key,
    documents bigint not null,
    stored_bytes bigint not null
) with (fillfactor = 50);
insert into owner_usage (owner, documents, stored_bytes)
select owner, count(*), sum(size_bytes) from documents where deleted_at is null group by owner;
"""

# Whoever adds, marks or removes a document: the count follows. Deferred to the commit, the row of
# an owner is locked for a moment only, and a transaction over many documents waits for nobody.
_COUNTING = """
create function count_document() returns trigger language plpgsql as $$
declare
    was boolean := tg_op <> 'INSERT' and old.deleted_at is null;
    is_there boolean := tg_op <> 'DELETE' and new.deleted_at is null;
    direction integer := is_there::integer - was::integer;
    counted documents := case when tg_op = 'DELETE' then old else new end;
begin
    if direction <> 0 then
        insert into owner_usage as u (owner, documents, stored_bytes)
        values (counted.owner, direction, direction * counted.size_bytes)
        on conflict (owner) do update set documents = u.documents + excluded.documents,
            stored_bytes = u.stored_bytes + excluded.stored_bytes;
    end if;
    return null;
end $$;
create constraint trigger documents_counted_insert after insert on documents
    deferrable initially deferred for each row execute function count_document();
create constraint trigger documents_counted_update after update of deleted_at on documents
    deferrable initially deferred for each row
    when (old.deleted_at is distinct from new.deleted_at) execute function count_document();
create constraint trigger documents_counted_delete after delete on documents
    deferrable initially deferred for each row
    when (old.deleted_at is null) execute function count_document();
"""


def upgrade() -> None:
    for statements in (_LIMITS, _OPEN_UPLOADS, _USAGE, _COUNTING):
        op.execute(statements)
