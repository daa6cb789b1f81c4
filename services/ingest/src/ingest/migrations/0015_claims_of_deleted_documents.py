"""The claim of a folder job goes with its document: found by its id, and swept up once."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FORGET = """
delete from sync_documents
where not exists (
        select from documents where documents.document_id = sync_documents.document_id
    )
    and document_id < (
        lpad(to_hex((extract(epoch from now() - interval '1 day') * 1000)::bigint), 12, '0')
        || repeat('0', 20)
    )::uuid
"""


def upgrade() -> None:
    op.execute("create index sync_documents_document on sync_documents (document_id)")
    # Ids tell when they were made; what is younger may be on its way to be accepted.
    op.execute(FORGET)
