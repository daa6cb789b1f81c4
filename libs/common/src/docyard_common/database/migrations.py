"""Brings a service's schema up to date with Alembic before the service starts to work."""

import asyncio
import os
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from docyard_common.database.pool import connection_arguments, translated
from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

_ENVIRONMENT = Path(__file__).parent / "alembic"


async def migrate(settings: DatabaseSettings, *, schema: str, locations: Path) -> None:
    """Create *schema* if it is missing and run the revisions in *locations* that it has not seen.

    Files are named `<revision>_<what>.py` and sort by revision. One transaction: a crash leaves
    the schema as it was. Replicas that start together wait for each other; the second finds
    nothing to do. Raises DependencyUnavailableError.
    """
    if await _version(settings, schema) != _newest(locations):
        await asyncio.to_thread(_upgrade, settings, schema, locations)


def _newest(locations: Path) -> str:
    return max(path.name.partition("_")[0] for path in locations.glob("[0-9]*_*.py"))


async def _version(settings: DatabaseSettings, schema: str) -> str | None:
    """Return the revision that *schema* is at; None where it has none."""
    table = sql.Identifier(schema, "alembic_version")
    with translated():
        connection = await psycopg.AsyncConnection.connect(**_arguments(settings, schema))
        async with connection:
            try:
                cursor = await connection.execute(
                    sql.SQL("select version_num from {}").format(table)
                )
            except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
                return None
            row = await cursor.fetchone()
    return str(row[0]) if row else None


def _arguments(settings: DatabaseSettings, schema: str) -> dict[str, Any]:
    return connection_arguments(settings, schema=schema, name=f"{schema}-migrations")


def _upgrade(settings: DatabaseSettings, schema: str, locations: Path) -> None:
    # Imported here: most starts find nothing to do, and these two take half a second of them.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import NullPool, create_engine  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    arguments = _arguments(settings, schema)
    url = arguments.pop("conninfo").replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join([str(locations)]))
    try:
        with engine.begin() as connection:
            # One lock for all schemas: `create extension` of two services collides as well.
            connection.exec_driver_sql("select pg_advisory_xact_lock(7251938472015)")
            connection.exec_driver_sql(f'create schema if not exists "{schema}"')
            connection.exec_driver_sql(f'set local search_path to "{schema}", public')
            config.attributes.update(connection=connection, schema=schema)
            command.upgrade(config, "head")
    except OperationalError as error:
        raise DependencyUnavailableError("database", str(error.orig).strip()) from error
    finally:
        engine.dispose()
