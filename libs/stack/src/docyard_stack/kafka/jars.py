"""Kafka's jars on this machine: a list committed with this code, and a cache that it fills.

Kafka is not on the Python package index; its jars are, each by name and sha256, in Maven Central.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

import platformdirs

_CENTRAL: Final = "https://repo1.maven.org/maven2"


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
            from docyard_stack.kafka.download import Download  # noqa: PLC0415 - rarely needed

            self._folder.mkdir(parents=True, exist_ok=True)
            progress.began(len(missing))
            Download(self._base, progress).run({jar: self.path(jar) for jar in missing})
        return self.paths()
