"""Documents, their chunks with words and embeddings, and what was removed for good."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In public: operators of the type must resolve for every service's search_path.
    op.execute("create extension if not exists vector schema public")
    op.execute(
        """
        create table documents (
            document_id uuid primary key,
            owner text not null,
            generation integer not null,
            filename text not null,
            content_type text not null,
            language text,
            configuration regconfig not null,
            indexed_at timestamptz not null default now()
        );
        create index documents_owner on documents using hash (owner); -- no limit on its length

        create table chunks (
            document_id uuid not null references documents on delete cascade,
            ordinal integer not null,
            owner text not null, -- that of the document: filtered by in every search
            page_first integer not null,
            page_last integer not null,
            heading text,
            text text not null,
            words tsvector not null,
            embedding vector(256) not null,
            primary key (document_id, ordinal)
        );
        create index chunks_owner on chunks using hash (owner);
        create index chunks_words on chunks using gin (words);
        create index chunks_embedding on chunks using hnsw (embedding vector_cosine_ops);

        create table removed (
            document_id uuid primary key,
            removed_at timestamptz not null default now()
        );
        """
    )
