"""Keys in PostgreSQL, in a schema of their own that any service's pool reaches."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from psycopg.errors import InvalidSchemaName, UndefinedTable

from docyard_common.api_keys.key import ApiKey
from docyard_common.database import Database, migrate
from docyard_common.settings import DatabaseSettings

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_INSERT: Final = """
insert into access.api_keys
    (key_id, name, subject, roles, secret_sha256, created_at, created_by, expires_at)
values (%(key_id)s, %(name)s, %(subject)s, %(roles)s, %(secret_sha256)s, %(created_at)s,
        %(created_by)s, %(expires_at)s)
"""
_PAGE: Final = """
select * from access.api_keys
where %(before)s::uuid is null or key_id < %(before)s order by key_id desc limit %(limit)s
"""


async def migrate_access(settings: DatabaseSettings) -> None:
    """Bring the schema `access` up to date. Idempotent. Raises DependencyUnavailableError."""
    await migrate(settings, schema="access", locations=_MIGRATIONS)


class PostgresApiKeys:
    """Every method raises DependencyUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key_id: UUID) -> ApiKey | None:
        """Return the key, revoked ones too; none are known before the schema is there."""
        try:
            async with self._database.transaction() as tx:
                cursor = await tx.execute(
                    "select * from access.api_keys where key_id = %s", (key_id,)
                )
                row = await cursor.fetchone()
        except (UndefinedTable, InvalidSchemaName):
            return None
        return None if row is None else _key(row)

    async def add(self, key: ApiKey) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(_INSERT, {**vars(key), "roles": list(key.roles)})

    async def revoke(self, key_id: UUID, *, at: datetime) -> bool:
        """End the key for every service at once; False where there is none. Idempotent."""
        async with self._database.transaction() as tx:
            cursor = await tx.execute(
                "update access.api_keys set revoked_at = coalesce(revoked_at, %s)"
                " where key_id = %s",
                (at, key_id),
            )
        return cursor.rowcount == 1

    async def page(self, *, before: UUID | None, limit: int) -> list[ApiKey]:
        """Return up to *limit* keys made before *before*, newest first."""
        async with self._database.transaction() as tx:
            cursor = await tx.execute(_PAGE, {"before": before, "limit": limit})
            return [_key(row) for row in await cursor.fetchall()]


def _key(row: dict[str, Any]) -> ApiKey:
    return ApiKey(**{**row, "roles": tuple(row["roles"])})
