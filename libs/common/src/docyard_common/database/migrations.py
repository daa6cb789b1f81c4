"""Brings a service's schema up to date with Alembic before the service starts to work."""

import asyncio
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import OperationalError

from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

_ENVIRONMENT = Path(__file__).parent / "alembic"


async def migrate(settings: DatabaseSettings, *, schema: str, locations: Path) -> None:
    """Create *schema* if it is missing and run the revisions in *locations* that it has not seen.

    One transaction: a crash leaves the schema as it was. Replicas that start together wait for
    each other; the second finds nothing to do. Raises DependencyUnavailableError.
    """
    await asyncio.to_thread(_upgrade, settings, schema, locations)


def _upgrade(settings: DatabaseSettings, schema: str, locations: Path) -> None:
    url = settings.url.get_secret_value().replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, poolclass=NullPool)
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
