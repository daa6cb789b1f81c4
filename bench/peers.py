"""Fetches what a comparison needs and the project does not: Celery, Redis, tusd, Tika, kreuzberg.

They go into a folder of their own (`.peers/`, ignored by git) and are used from there only; Redis
is Debian's, as for the tests. Celery and Redis 7 are BSD, tusd and kreuzberg MIT, Tika Apache-2.0.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts import debian

from docyard_stack.errors import DownloadFailedError
from docyard_stack.kafka.jars import Jar, JarCache

REPOSITORY = Path(__file__).resolve().parent.parent
PEERS = REPOSITORY / ".peers"
CELERY = "5.7.0"
TUSD = "2.8.0"
KREUZBERG = "4.10.4"
TIKA = Jar(
    path="org/apache/tika/tika-server-standard/3.3.2/tika-server-standard-3.3.2.jar",
    sha256="cdbe7fde72583dec8528f9c0ed962cacb7f6624f9900b1f733df638410f77540",
)
_WHOLE = ".whole"


class PeerMissingError(Exception):
    """The peer can not be had on this machine; the message says why."""


def celery() -> Path:
    """Return the folder that holds Celery and its libraries, to be put on PYTHONPATH."""
    folder = PEERS / f"celery-{CELERY}"
    if not folder.exists():
        _install(f"celery[redis]=={CELERY}", folder)
    return folder


def redis() -> Path:
    """Return a Redis server's program: the system's, or Debian's."""
    try:
        return debian.bring("redis-server")
    except debian.NotHadError as error:
        raise PeerMissingError(f"redis-server: {error}") from error


def tusd() -> Path:
    """Return the program of the tus project's own server, built by the Go that is installed."""
    program = PEERS / f"tusd-{TUSD}" / "tusd"
    if not program.exists():
        _build(program)
    return program


def _build(program: Path) -> None:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    module = "github.com/tus/tusd/v2"
    with tempfile.TemporaryDirectory(dir=_made(PEERS)) as partial:
        # A module of our own: tusd's go.mod has replacements, which `go install` refuses.
        _run([go, "mod", "init", "peer"], cwd=partial)
        _run([go, "mod", "edit", f"-require={module}@v{TUSD}"], cwd=partial)
        built = f"{partial}/built/{program.name}"
        _run([go, "build", "-mod=mod", "-trimpath", "-o", built, f"{module}/cmd/tusd"], cwd=partial)
        Path(built).parent.rename(program.parent)


def tika() -> list[str]:
    """Return the command of a Tika server with a gibibyte of heap, without address and port."""
    # The stack's own Java is made for Kafka: it lacks modules that Tika needs.
    java = shutil.which("java")
    if java is None:
        raise PeerMissingError("there is no java")
    return [java, "-Xmx1g", "-jar", str(_tika_jar())]


def kreuzberg() -> Path:
    """Return the Python of an environment that has kreuzberg, and nothing of ours."""
    folder = PEERS / f"kreuzberg-{KREUZBERG}"
    if not (folder / _WHOLE).exists():
        _environment(f"kreuzberg=={KREUZBERG}", folder)
    return folder / "bin/python"


def _tika_jar() -> Path:
    cache = JarCache(PEERS / "tika", jars=[TIKA])
    try:
        return cache.fetch(_Silent())[0]
    except DownloadFailedError as error:
        raise PeerMissingError(str(error)) from error


class _Silent:
    """Tells nobody about a download."""

    def began(self, files: int) -> None: ...

    def received(self, size_bytes: int) -> None: ...

    def finished(self, name: str) -> None: ...


def _environment(requirement: str, folder: Path) -> None:
    """Make an environment at *folder*: it knows its own path, so that it can not be moved there."""
    uv = str(REPOSITORY / ".tools/bin/uv")
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
    python = str(folder / "bin/python")
    _run([uv, "pip", "install", "--quiet", "--python", python, requirement])
    (folder / _WHOLE).touch()


def _install(requirement: str, folder: Path) -> None:
    uv = REPOSITORY / ".tools/bin/uv"
    with tempfile.TemporaryDirectory(dir=_made(PEERS)) as partial:
        target = f"{partial}/whole"
        command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable]
        _run([*command, "--target", target, requirement])
        Path(target).rename(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _run(command: list[str], *, cwd: str | None = None) -> None:
    try:
        subprocess.run(command, check=True, cwd=cwd, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        raise PeerMissingError(f"{command[0]}: {detail.strip().splitlines()[-1:]}") from error
