"""Fetching Kafka's jars: verified, whole or not at all, and only once."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from docyard_stack.errors import DownloadFailedError
from docyard_stack.kafka.jars import Jar, JarCache, listed


class Counting:
    """A progress display that remembers what it was told."""

    def __init__(self) -> None:
        self.expected = 0
        self.arrived: list[str] = []

    def began(self, files: int) -> None:
        self.expected = files

    def received(self, size_bytes: int) -> None:
        assert size_bytes > 0

    def finished(self, name: str) -> None:
        self.arrived.append(name)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A Maven repository: the folder of its files, and its address."""
    folder = tmp_path / "repository"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def published(folder: Path, name: str, content: bytes) -> Jar:
    path = folder / "org" / "example" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Jar(path=f"org/example/{name}", sha256=hashlib.sha256(content).hexdigest())


def test_missing_jars_are_fetched(tmp_path: Path, repository: tuple[Path, str]) -> None:
    folder, base = repository
    jars = [published(folder, "a.jar", b"a" * 100_000), published(folder, "b.jar", b"b")]
    progress = Counting()

    paths = JarCache(tmp_path / "cache", base=base, jars=jars).fetch(progress)

    assert [path.read_bytes() for path in paths] == [b"a" * 100_000, b"b"]
    assert sorted(progress.arrived) == ["a.jar", "b.jar"]


def test_a_jar_that_is_here_is_not_fetched_again(
    tmp_path: Path, repository: tuple[Path, str]
) -> None:
    folder, base = repository
    first = published(folder, "a.jar", b"a")
    JarCache(tmp_path, base=base, jars=[first]).fetch(Counting())
    second = published(folder, "b.jar", b"b")
    progress = Counting()

    JarCache(tmp_path, base=base, jars=[first, second]).fetch(progress)

    assert progress.arrived == ["b.jar"]


def test_a_jar_with_another_sha256_is_refused_and_leaves_nothing(
    tmp_path: Path, repository: tuple[Path, str]
) -> None:
    folder, base = repository
    published(folder, "a.jar", b"something else")
    jar = Jar(path="org/example/a.jar", sha256="0" * 64)
    cache = JarCache(tmp_path / "cache", base=base, jars=[jar])

    with pytest.raises(DownloadFailedError, match=r"a\.jar.*sha256"):
        cache.fetch(Counting())

    assert list((tmp_path / "cache" / "kafka-jars").iterdir()) == []


def test_a_failed_fetch_keeps_what_arrived(tmp_path: Path, repository: tuple[Path, str]) -> None:
    folder, base = repository
    good = published(folder, "a.jar", b"a")
    missing = Jar(path="org/example/gone.jar", sha256="0" * 64)
    cache = JarCache(tmp_path, base=base, jars=[good, missing])

    with pytest.raises(DownloadFailedError, match=r"gone\.jar"):
        cache.fetch(Counting())

    assert cache.missing() == [missing]


def test_an_address_that_does_not_answer_is_named(tmp_path: Path) -> None:
    jar = Jar(path="org/example/a.jar", sha256="0" * 64)
    cache = JarCache(tmp_path, base="http://127.0.0.1:1", jars=[jar])

    with pytest.raises(DownloadFailedError, match="org/example/a"):
        cache.fetch(Counting())


def test_the_committed_list_names_each_file_once() -> None:
    names = [jar.name for jar in listed()]

    assert len(set(names)) == len(names)
    assert "kafka_2.13-4.3.1.jar" in names
    assert all(len(jar.sha256) == 64 for jar in listed())
