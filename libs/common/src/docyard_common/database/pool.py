"""The connection pool of a service, bound to the service's own schema."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import DatabaseSettings

Transaction: TypeAlias = psycopg.AsyncConnection[DictRow]
"""A connection inside `BEGIN … COMMIT`; rows are dicts."""

_POOL_TIMEOUT_S = 5.0
_CONNECT_TIMEOUT_S = 5
_UNANSWERED_MS = 25_000
"""What is sent and not acknowledged is sent again for so long: without it, a quarter of an hour,
and keepalives are silent meanwhile."""
_OUTDATED_PLAN = "RevalidateCachedQuery"
"""The function of PostgreSQL that refuses a prepared statement whose columns have changed."""


def connection_arguments(settings: DatabaseSettings, *, schema: str, name: str) -> dict[str, Any]:
    """Arguments of `psycopg.connect` for *schema*; dead peers are noticed within half a minute."""
    return {
        "conninfo": settings.url.get_secret_value(),
        "application_name": name,
        "options": f"-c search_path={schema},public",
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": _UNANSWERED_MS,
    }


@contextlib.contextmanager
def translated() -> Any:
    """Turn what psycopg raises for a database that is away into DependencyUnavailableError.

    Deadlocks and serialization failures count too, and a transaction that a pause of the process
    has cost its connection: it may pass when run again. So does a statement that a connection had
    prepared before a migration gave its table another column: once, then it is prepared anew. What
    is too large for PostgreSQL is not translated: it would be at any time.
    """
    try:
        yield
    except psycopg.errors.ProgramLimitExceeded:
        raise
    except psycopg.errors.FeatureNotSupported as error:
        if error.diag.source_function != _OUTDATED_PLAN:
            raise
        raise DependencyUnavailableError("database", "a table was migrated meanwhile") from error
    except (
        psycopg.OperationalError,
        psycopg.InterfaceError,
        psycopg.errors.IdleInTransactionSessionTimeout,
        psycopg.errors.TransactionTimeout,
        PoolTimeout,
    ) as error:
        detail = str(error).strip().partition("\n")[0]
        raise DependencyUnavailableError("database", detail or type(error).__name__) from error


def _limits(settings: DatabaseSettings, *, long: bool) -> str:
    # A session that waits for the rest of a pipeline is not idle: the second limit is for that.
    idle_ms = int(settings.idle_transaction_s * 1000)
    whole_ms = int(settings.transaction_s * 1000) * (10 if long else 1)
    return f" -c idle_in_transaction_session_timeout={idle_ms} -c transaction_timeout={whole_ms}"


class Database:
    """A pool of connections whose `search_path` is the service's schema.

    With *generic_plans* a prepared statement is planned once a connection, whatever its parameters:
    for statements that find their rows by keys, whose plan no parameter changes.

    PostgreSQL ends transactions that idle or last too long: a process that is stopped, but not
    dead, keeps locks from nobody for good. With *long_transactions* they may last ten times as
    long.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        schema: str,
        application_name: str,
        generic_plans: bool = False,
        long_transactions: bool = False,
    ) -> None:
        arguments = connection_arguments(settings, schema=schema, name=application_name)
        arguments["options"] += _limits(settings, long=long_transactions)
        if generic_plans:
            arguments["options"] += " -c plan_cache_mode=force_generic_plan"
        self._pool: AsyncConnectionPool[Transaction] = AsyncConnectionPool(
            arguments.pop("conninfo"),
            kwargs={**arguments, "row_factory": dict_row},
            min_size=settings.pool_min,
            max_size=settings.pool_max,
            timeout=_POOL_TIMEOUT_S,
            reconnect_timeout=_POOL_TIMEOUT_S,
            open=False,
        )

    async def open(self) -> None:
        """Start filling the pool; does not wait for the database to answer."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises DependencyUnavailableError when the database is away or the connection breaks; after
        a break at COMMIT it is not known whether it took effect, so the block must be idempotent.
        """
        with translated():
            async with self._lent() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Transaction]:
        """Every statement is a transaction of its own: one round trip instead of three.

        Raises DependencyUnavailableError, as `transaction` does.
        """
        with translated():
            async with self._lent() as connection:
                await connection.set_autocommit(True)
                yield connection
                await connection.set_autocommit(False)

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[Transaction]:
        """Lend a connection; one that comes back in another mode than it was lent is closed.

        A task that is cancelled while it enters a pipeline leaves it on (psycopg 3.3): whoever
        borrows next would ask for counts of rows that are not known yet.
        """
        async with self._pool.connection() as connection:
            try:
                yield connection
            except BaseException as error:
                if _is_spoilt(connection, by=error):
                    await connection.close()
                raise

    async def ping(self) -> None:
        """Ask the database for a sign of life. Raises DependencyUnavailableError."""
        async with self.transaction() as tx:
            await tx.execute("select 1")


def _is_spoilt(connection: Transaction, *, by: BaseException) -> bool:
    if connection.closed:
        return False
    in_pipeline = connection.info.pipeline_status is not psycopg.pq.PipelineStatus.OFF
    return not isinstance(by, Exception) or connection.autocommit or in_pipeline
