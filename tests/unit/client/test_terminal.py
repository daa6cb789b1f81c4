"""The command as a process: terminals, pipes, signals."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard
from tests.waiting import until

DOCYARD = (sys.executable, "-m", "docyard")
LIMIT_S = 60

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(fake: FakeDocyard) -> Iterator[Start]:
    environment = os.environ | {"DOCYARD_URL": fake.url, "DOCYARD_TOKEN": TOKEN, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *arguments: str,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*DOCYARD, *arguments],
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@contextmanager
def terminal() -> Iterator[tuple[int, Callable[[], str]]]:
    """A terminal to write to, and what was written once the writer has gone."""
    reader, writer = pty.openpty()
    with os.fdopen(reader, "rb", buffering=0) as shown:

        def read() -> str:
            os.close(writer)
            return b"".join(iter(lambda: _read(shown.fileno()), b"")).decode()

        yield writer, read


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that nobody writes any more
        return b""


def test_bars_move_on_stderr_and_never_backwards(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF" + bytes(300_000))

    with terminal() as (writer, shown), terminal() as (data, told):
        process = start("upload", "--wait", str(path), stdout=data, stderr=writer)
        process.communicate(timeout=LIMIT_S)
        screen, stdout = shown(), told()

    percents = [int(percent) for percent in re.findall(r"(\d+)%", screen)]
    assert process.returncode == 0
    assert percents == sorted(percents)
    assert percents
    assert "completed" in screen
    still = re.sub(r"\x1b\[[0-9;]*m", "", stdout)  # a table in bold moves nothing
    assert "\x1b" not in still
    assert still.count("completed") == 1


def test_nothing_moves_while_a_program_reads_stdout(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")

    with terminal() as (writer, shown):
        stdout, _ = start("upload", "--wait", str(path), stderr=writer).communicate(timeout=LIMIT_S)
        screen = shown()

    assert "\x1b" not in screen
    assert "a.txt: completed" in screen
    assert b"\x1b" not in stdout
    assert stdout.count(b"\n") == 1


def test_without_a_terminal_nothing_moves(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")

    _, stderr = start("upload", "--wait", str(path)).communicate(timeout=LIMIT_S)

    assert b"\x1b" not in stderr
    assert b"\r" not in stderr
    assert b"a.txt: completed" in stderr


def test_stdin_is_a_file_named_by_its_beginning(start: Start, fake: FakeDocyard) -> None:
    process = start("upload", "-", stdin=subprocess.PIPE)

    process.communicate(b"%PDF-1.7 and more", timeout=LIMIT_S)

    assert process.returncode == 0
    assert [document["filename"] for document in fake.documents.values()] == ["stdin.pdf"]
    assert b"%PDF-1.7 and more" in fake.bodies[0]


@pytest.mark.parametrize("begun", [b"", b"%PDF-1.7 and"], ids=["before", "within"])
def test_ctrl_c_ends_the_wait_for_what_stdin_will_say(start: Start, begun: bytes) -> None:
    process = start("upload", "--json", "-", stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(begun)
    process.stdin.flush()
    _until_it_reads_stdin(process.pid)

    process.send_signal(signal.SIGINT)

    assert process.wait(LIMIT_S) == 130  # and nobody has closed its stdin
    stdout, stderr = process.communicate()
    assert b"interrupted" in stderr
    assert b"Traceback" not in stderr
    if begun:
        assert json.loads(stdout)["items"][0]["state"] == "not sent"


_READS_STDIN = (["0", "0x0"], ["63", "0x0"])
"""The system call, by its number on x86-64 and on ARM, and its first argument."""


def _until_it_reads_stdin(pid: int) -> None:
    """Return when the process waits in a system call on descriptor 0."""
    call = Path(f"/proc/{pid}/syscall")
    until(lambda: call.read_text().split()[:2] in _READS_STDIN, within_s=LIMIT_S)


def test_an_interrupted_upload_still_tells_the_ids(
    start: Start, fake: FakeDocyard, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    fake.ends["a.txt"] = "indexing"

    process = start("upload", "--wait", "--json", str(path))
    assert fake.connected.wait(LIMIT_S)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 130
    assert json.loads(stdout)["items"][0]["document_id"] in fake.documents
    assert b"interrupted" in stderr
    assert b"Traceback" not in stderr


def test_a_reader_that_leaves_ends_it_quietly(start: Start, fake: FakeDocyard) -> None:
    for _ in range(100):
        fake.add(filename="n" * 200)
    process = start("ls", "--limit", "100")
    assert process.stdout
    process.stdout.close()
    assert process.stderr

    stderr = process.stderr.read()

    assert process.wait(LIMIT_S) != 0
    assert b"Traceback" not in stderr


def test_help_names_every_command(start: Start) -> None:
    stdout, _ = start("--help").communicate(timeout=LIMIT_S)

    for name in ("upload", "ls", "show", "watch", "get", "search", "cancel", "rm", "dlq"):
        assert name in stdout.decode()


def test_help_loads_no_network_library() -> None:
    script = (
        "import sys, docyard.cli.app;"
        "sys.exit(','.join({'httpx', 'websockets', 'pydantic'} & set(sys.modules)) or 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=LIMIT_S
    )

    assert done.stderr == b""
    assert done.returncode == 0
