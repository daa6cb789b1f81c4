"""What documents name, where, and together with what; and where on its pages a chunk stands.

Ids of entities and relations are made from their owner and names: there is no table of entities
of its own, so that nothing is left of one that no document names any more.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        alter table chunks
            add column start_at integer, -- of the text of page_first; null in older rows
            add column end_at integer; -- of the text of page_last

        create table named_entities (
            document_id uuid not null references documents on delete cascade,
            entity_id uuid not null,
            owner text not null, -- that of the document: filtered by in every question
            kind text not null,
            key text not null,
            text text not null,
            count integer not null,
            primary key (document_id, entity_id)
        );
        create index named_entities_owner on named_entities using hash (owner);
        create index named_entities_entity on named_entities (entity_id);

        create table mentions (
            document_id uuid not null,
            entity_id uuid not null,
            ordinal integer not null,
            page integer not null,
            start_at integer not null,
            end_at integer not null,
            primary key (document_id, entity_id, ordinal),
            foreign key (document_id, entity_id) references named_entities on delete cascade
        );

        create table relations (
            document_id uuid not null references documents on delete cascade,
            relation_id uuid not null,
            source_id uuid not null,
            target_id uuid not null,
            owner text not null, -- that of the document: filtered by in every question
            in_window text not null,
            count integer not null,
            weight real not null,
            primary key (document_id, relation_id)
        );
        create index relations_relation on relations (relation_id);
        create index relations_source on relations (source_id);
        create index relations_target on relations (target_id);

        create table evidence (
            document_id uuid not null,
            relation_id uuid not null,
            ordinal integer not null,
            page integer not null,
            start_at integer not null,
            end_at integer not null,
            snippet text not null,
            primary key (document_id, relation_id, ordinal),
            foreign key (document_id, relation_id) references relations on delete cascade
        );
        """
    )
