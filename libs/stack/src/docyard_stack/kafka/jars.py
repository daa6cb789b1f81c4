"""Fetches Kafka's jars once per user, from a list committed with this code.

Kafka is not on the Python package index; its jars are, each by name and sha256, in Maven Central.
"""

import hashlib
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

import httpx
import platformdirs

from docyard_stack.errors import DownloadFailedError

_CENTRAL: Final = "https://repo1.maven.org/maven2"
_PARALLEL: Final = 8
_ATTEMPTS: Final = 3
_TIMEOUT_S: Final = 30


class DownloadProgress(Protocol):
    """Told about a download, from several threads at once."""

    def began(self, files: int) -> None: ...

    def received(self, size_bytes: int) -> None: ...

    def finished(self, name: str) -> None: ...


@dataclass(frozen=True)
class Jar:
    """A file in a Maven repository: its path there, and what it must be."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def listed() -> list[Jar]:
    """Return the jars of Kafka 4.3.1 with all they need at run time, in class path order."""
    text = resources.files(__package__).joinpath("jars.sha256").read_text(encoding="ascii")
    return [Jar(path=line.split()[1], sha256=line.split()[0]) for line in text.splitlines()]


def cache_folder() -> Path:
    """Where the jars lie: `DOCYARD_CACHE_DIR`, or the user's cache folder."""
    given = os.environ.get("DOCYARD_CACHE_DIR")
    return Path(given) if given else Path(platformdirs.user_cache_dir("docyard"))


class JarCache:
    """The jars on this machine. Several processes may fill it at once: files appear whole.

    *base* is the address of a Maven repository; proxies and certificates come from the usual
    environment variables.
    """

    def __init__(self, folder: Path, *, base: str | None = None, jars: Sequence[Jar] = ()) -> None:
        self._folder = folder / "kafka-jars"
        self._base = base or os.environ.get("DOCYARD_MAVEN_BASE") or _CENTRAL
        self._jars = tuple(jars) or tuple(listed())

    def path(self, jar: Jar) -> Path:
        return self._folder / jar.name

    def paths(self) -> list[Path]:
        """Return every jar's path in class path order, whether it is here or not."""
        return [self.path(jar) for jar in self._jars]

    def missing(self) -> list[Jar]:
        """Return the jars that are not here yet; what is here was verified when it came."""
        return [jar for jar in self._jars if not self.path(jar).exists()]

    def fetch(self, progress: DownloadProgress) -> list[Path]:
        """Return every jar's path, downloading what is missing.

        Raises DownloadFailedError; what has arrived by then stays, so a later call goes on there.
        """
        if missing := self.missing():
            self._folder.mkdir(parents=True, exist_ok=True)
            progress.began(len(missing))
            self._download_all(missing, progress)
        return self.paths()

    def _download_all(self, jars: list[Jar], progress: DownloadProgress) -> None:
        with (
            httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True) as client,
            ThreadPoolExecutor(_PARALLEL) as pool,
        ):
            futures = [pool.submit(self._download, client, jar, progress) for jar in jars]
            try:
                for future in futures:
                    future.result()
            except BaseException:  # Ctrl-C too: what has not begun shall not begin
                pool.shutdown(cancel_futures=True)
                raise

    def _download(self, client: httpx.Client, jar: Jar, progress: DownloadProgress) -> None:
        address = f"{self._base.rstrip('/')}/{jar.path}"
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._download_once(client, address, jar, progress)
            except (httpx.HTTPError, OSError, DownloadFailedError) as error:
                if attempt == _ATTEMPTS:
                    raise DownloadFailedError(f"{address}: {error or type(error)}") from error
            else:
                progress.finished(jar.name)
                return

    def _download_once(
        self, client: httpx.Client, address: str, jar: Jar, progress: DownloadProgress
    ) -> None:
        digest = hashlib.sha256()
        with _partial(self.path(jar)) as partial, client.stream("GET", address) as response:
            response.raise_for_status()
            with partial.open("wb") as file:
                for block in response.iter_bytes():
                    digest.update(block)
                    file.write(block)
                    progress.received(len(block))
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
