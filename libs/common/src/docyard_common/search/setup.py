"""The schema `search`: set up by the service that writes to it, waited for by those that read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from psycopg.errors import InvalidSchemaName, UndefinedColumn, UndefinedTable

from docyard_common.database.migrations import migrate
from docyard_common.database.pool import Database, Transaction
from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def migrate_search(settings: DatabaseSettings) -> None:
    """Bring the schema `search` up to date; every service that writes to it does so at its start.

    Needs the extension pgvector. Idempotent. Raises DependencyUnavailableError.
    """
    await migrate(settings, schema="search", locations=_MIGRATIONS)


@asynccontextmanager
async def set_up(database: Database) -> AsyncIterator[Transaction]:
    """Open a transaction; tables that are not there yet make it a DependencyUnavailableError."""
    try:
        async with database.transaction() as tx:
            yield tx
    except (UndefinedTable, UndefinedColumn, InvalidSchemaName) as error:
        raise DependencyUnavailableError("search_index", "it is not set up yet") from error
