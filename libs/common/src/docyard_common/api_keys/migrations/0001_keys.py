"""API keys, by the hash of their secret."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create table api_keys (
            key_id uuid primary key,
            name text not null,
            subject text not null,
            roles text[] not null,
            secret_sha256 text not null,
            created_at timestamptz not null,
            created_by text not null,
            expires_at timestamptz,
            revoked_at timestamptz
        )
        """
    )
