"""Docyard's own services as parts of a stack: `python -m ingest` and its siblings."""

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from docyard_stack.errors import NotReadyError
from docyard_stack.part import Launch

_HOST: Final = "127.0.0.1"
_CHECK_TIMEOUT_S: Final = 3.0
PORTS: Final = 2
"""One for people, one for health and metrics."""

MODULES: Final = {
    "ingest": "ingest",
    "processor": "processor",
    "notifier": "notifier",
    "dlq-admin": "dlq_admin",
}
"""The services by the names that people read, in the order of a document's way."""


class Service:
    """One service; *settings* are its environment variables, beside those of this process."""

    start_s = 180.0  # Kafka may take 120 of them
    is_waited_for = False
    stop_signal = signal.SIGTERM
    stop_s = 12.0  # services promise to be gone after ten

    def __init__(
        self, name: str, *, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> None:
        self.name = name
        self.port, self._metrics_port = ports
        self._folder = folder
        self._settings = settings

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"

    @property
    def metrics_url(self) -> str:
        return f"http://{_HOST}:{self._metrics_port}/metrics"

    def prepare(self) -> None:
        """Nothing to do: a service keeps nothing on disk."""

    def launch(self) -> Launch:
        listen = {
            "HTTP__HOST": _HOST,
            "HTTP__PORT": str(self.port),
            "HTTP__METRICS_PORT": str(self._metrics_port),
        }
        return Launch(
            program=(sys.executable, "-m", MODULES[self.name]),
            folder=self._folder,
            environment={**self._settings, **listen},
        )

    async def check(self) -> None:
        """Return when the service calls itself ready: its own dependencies answer it."""
        import httpx  # noqa: PLC0415 - the servers start while it is loaded

        address = f"http://{_HOST}:{self._metrics_port}/health/ready"
        try:
            # Not through the machine's proxy: this is our own loopback address.
            async with httpx.AsyncClient(timeout=_CHECK_TIMEOUT_S, trust_env=False) as client:
                answer = await client.get(address)
        except httpx.HTTPError as error:
            raise NotReadyError(str(error)) from error
        if not answer.is_success:
            raise NotReadyError(f"{address} answers {answer.status_code}")
