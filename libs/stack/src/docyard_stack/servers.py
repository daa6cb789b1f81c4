"""PostgreSQL, an S3 store and Kafka for the length of a `with` block: what tests run against.

`python -m docyard_stack.servers --data DIR --json-file FILE` does the same in the foreground until
SIGTERM; many test runs share such servers when DOCYARD_TEST_SERVERS names FILE.
"""

import argparse
import asyncio
import json
import signal
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypedDict

from docyard_stack import progress
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder
from docyard_stack.parts import ServerParts
from docyard_stack.record import PartRecord, PartState, StackRecord, write_private
from docyard_stack.supervisor import Supervisor, reap

_STOP_TIMEOUT_S: Final = 60


class ObjectStoreAddress(TypedDict):
    """How to reach the object store."""

    endpoint: str
    access_key: str
    secret_key: str


class Addresses(TypedDict):
    """How to reach the servers, as written to a file for other test runs."""

    kafka: str
    database_url: str
    object_store: ObjectStoreAddress
    data: str


class Servers:
    """The three servers in the folder *data*; one that dies is started again.

    They live in a thread of their own: on Linux they die with it, so a killed test run leaves
    nothing behind.
    """

    def __init__(self, data: Path) -> None:
        self._folder = StackFolder(data)
        self._record = self._folder.load() or StackRecord()
        self._ready: Future[ServerParts] = Future()
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._enough = asyncio.Event()

    def __enter__(self) -> Self:
        """Return when all three serve; raises StackError, with nothing left running."""
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._enough.set)
        self._thread.join(_STOP_TIMEOUT_S)

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self._ready.result().kafka.bootstrap_servers

    @property
    def database_url(self) -> str:
        """Connection URI of the administrator."""
        return self._ready.result().postgres.url

    @property
    def object_store(self) -> ObjectStoreAddress:
        return {
            "endpoint": self._ready.result().object_store.endpoint,
            "access_key": self._record.keys.access_key,
            "secret_key": self._record.keys.secret_key,
        }

    @property
    def addresses(self) -> Addresses:
        return {
            "kafka": self.kafka,
            "database_url": self.database_url,
            "object_store": self.object_store,
            "data": str(self._folder.path),
        }

    def part(self, name: str) -> PartRecord:
        """Return what is known of `postgres`, `object-store` or `kafka`."""
        return self._record.parts[name].model_copy(deep=True)

    def is_ready(self, name: str) -> bool:
        """Whether that server answers as far as its supervisor knows."""
        return self._record.parts[name].state is PartState.READY

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        with self._folder.hold():
            await reap(self._record)
            parts = ServerParts.of(self._folder.path, self._record, progress.on_stderr())
            supervisor = Supervisor(self._folder, self._record)
            tier = (parts.postgres, parts.object_store, parts.kafka)
            try:
                await supervisor.start([tier], lambda _name, _took_s: None)
                self._ready.set_result(parts)
                await self._enough.wait()
            finally:
                await supervisor.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m docyard_stack.servers", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the servers")
    parser.add_argument("--json-file", type=Path, required=True, help="where to write addresses")
    return parser.parse_args()


def main() -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP."""
    arguments = _arguments()
    enough = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: enough.set())
    try:
        with Servers(arguments.data) as servers:
            write_private(arguments.json_file, json.dumps(servers.addresses, indent=2))
            enough.wait()
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
