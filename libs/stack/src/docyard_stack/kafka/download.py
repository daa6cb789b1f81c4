"""Downloads jars in parallel, each verified by its sha256 before it gets its name."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from docyard_stack.errors import DownloadFailedError
from docyard_stack.kafka.jars import DownloadProgress, Jar

_PARALLEL: Final = 8
_ATTEMPTS: Final = 3
_TIMEOUT_S: Final = 30


class Download:
    """One download from the Maven repository at *base*.

    Proxies and certificates come from the usual environment variables.
    """

    def __init__(self, base: str, progress: DownloadProgress) -> None:
        self._base = base.rstrip("/")
        self._progress = progress
        self._client = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True)

    def run(self, wanted: Mapping[Jar, Path]) -> None:
        """Put each jar at its path.

        Raises DownloadFailedError; what has arrived by then stays.
        """
        with self._client, ThreadPoolExecutor(_PARALLEL) as pool:
            futures = [pool.submit(self._fetch, jar, path) for jar, path in wanted.items()]
            try:
                for future in futures:
                    future.result()
            except BaseException:  # Ctrl-C too: what has not begun shall not begin
                pool.shutdown(cancel_futures=True)
                raise

    def _fetch(self, jar: Jar, path: Path) -> None:
        address = f"{self._base}/{jar.path}"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._fetch_once(address, jar, path)
            except (httpx.HTTPError, OSError, DownloadFailedError) as error:
                if attempt == _ATTEMPTS:
                    raise DownloadFailedError(f"{address}: {error or type(error)}") from error
            else:
                self._progress.finished(jar.name)
                return

    def _fetch_once(self, address: str, jar: Jar, path: Path) -> None:
        digest = hashlib.sha256()
        with _partial(path) as partial, self._client.stream("GET", address) as response:
            response.raise_for_status()
            with partial.open("wb") as file:
                for block in response.iter_bytes():
                    digest.update(block)
                    file.write(block)
                    self._progress.received(len(block))
            if digest.hexdigest() != jar.sha256:
                raise DownloadFailedError("the sha256 is not the one of the list")


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """Yield a file beside *path* that becomes *path* when the block ends well, or goes."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
