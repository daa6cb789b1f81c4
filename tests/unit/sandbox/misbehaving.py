"""Stages for tests: what documents do to the child that reads them."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from docyard_common.events.stages import Stage
from docyard_common.media_types import MediaType
from docyard_common.search.port import Chunk
from processor.stages.errors import EncryptedDocumentError
from processor.stages.task import (
    Extracted,
    Indexed,
    PagesReady,
    Progress,
    Report,
    StageResult,
    StageTask,
    Validated,
)

AUTOGROUP = Path("/proc/self/autogroup")


def preload() -> None:
    """Nothing is heavy here."""


def run_stage(task: StageTask, report: Report) -> StageResult:
    return _BEHAVIOURS[task.options["do"]](task, report)


def answer(*, pages: int = 0) -> Validated:
    return Validated(media_type=MediaType.TEXT, page_count=pages)


def _work(task: StageTask, report: Report) -> StageResult:
    pages = int(task.options.get("pages", 3))
    for page in range(1, pages + 1):
        report.progress(Progress(pages_done=page, pages_total=pages))
        report.pages(PagesReady(first=page, last=page, characters=1, data=b"x" * 1000))
    return Extracted(
        media_type=MediaType.TEXT,
        page_count=pages,
        characters=pages,
        page_errors=(),
        extractor="test",
        metadata={"title": "ü"},
        thumbnail=b"picture",
    )


def _index(_task: StageTask, _report: Report) -> StageResult:
    return Indexed(
        tuple(Chunk(n, f"text {n}", n, n + 1, "Heading", [float(n), 0.5]) for n in range(600))
    )


def _eat_memory_slowly(_task: StageTask, _report: Report) -> StageResult:
    eaten = []
    while True:
        eaten.append(b"x" * 4 * 1024 * 1024)


def _eat_memory_at_once(_task: StageTask, _report: Report) -> StageResult:
    return answer(pages=len(bytearray(8 * 1024**3)))


def _loop_without_a_word(_task: StageTask, _report: Report) -> StageResult:
    while True:
        time.sleep(0.01)


def _loop_with_ticks(_task: StageTask, report: Report) -> StageResult:
    done = 0
    while True:
        done += 1
        report.progress(Progress(pages_done=done))
        time.sleep(0.01)


def _burn_cpu(_task: StageTask, _report: Report) -> StageResult:
    while True:
        pass


def _ignore_sigterm(task: StageTask, report: Report) -> StageResult:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return _loop_with_ticks(task, report)


def _segfault(_task: StageTask, _report: Report) -> StageResult:
    ctypes.string_at(0)
    return answer()


def _abort(_task: StageTask, _report: Report) -> StageResult:
    os.abort()


def _exit(_task: StageTask, _report: Report) -> StageResult:
    sys.exit(3)


def _raise(_task: StageTask, _report: Report) -> StageResult:
    raise ZeroDivisionError("a bug of ours")


def _be_encrypted(_task: StageTask, _report: Report) -> StageResult:
    raise EncryptedDocumentError("The PDF opens only with a password.")


def _flood(_task: StageTask, report: Report) -> StageResult:
    report.pages(PagesReady(first=1, last=1, characters=0, data=b"x" * 65 * 1024 * 1024))
    return answer()


def _write_nonsense(_task: StageTask, report: Report) -> StageResult:
    connection = report._connection  # type: ignore[attr-defined] # noqa: SLF001 - a taken child would
    connection.sendall(b"\x00\x00\x00\x02\x00\x00\x00\x00{}")
    time.sleep(60)
    return answer()


def _tell_about_self(_task: StageTask, _report: Report) -> StageResult:
    """Tell in the metadata what a child can see and do."""
    facts = {
        "cwd": str(Path.cwd()),
        "files": [path.name for path in Path().iterdir()],
        "environment": sorted(os.environ),
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "network": _can_connect(),
        "pid": os.getpid(),
        "niceness": os.nice(0),
        "group": AUTOGROUP.read_text() if AUTOGROUP.exists() else "nice 10",
    }
    Path("left-behind").write_text("x")
    return Extracted(MediaType.TEXT, 0, 0, (), "test", facts, None)


def _open_others(task: StageTask, _report: Report) -> StageResult:
    """Tell in the metadata which files of others could be opened."""
    opened = {
        "read": _can_open(task.options["file"], "rb"),
        "write": _can_open(task.options["file"], "ab"),
        "environment": _can_open(f"/proc/{task.options['pid']}/environ", "rb"),
        "own": _can_open("own", "wb"),
    }
    return Extracted(MediaType.TEXT, 0, 0, (), "test", opened, None)


def _read_given(task: StageTask, _report: Report) -> StageResult:
    """Tell in the metadata what the files of the task say, and where the child sees them."""
    files = [path for path in (task.input, task.texts, *task.page_batches) if path]
    told = {
        "texts": [path.read_text() for path in files],
        "folders": sorted({str(path.parent) for path in files}),
        "cwd": str(Path.cwd()),
    }
    return Extracted(MediaType.TEXT, 0, 0, (), "test", told, None)


def _leave_much(task: StageTask, report: Report) -> StageResult:
    for number in range(30):
        Path(f"left-{number}").write_text("x")
    Path("deep/deeper").mkdir(parents=True)
    Path("deep/left").write_text("x")
    Path("elsewhere").symlink_to(task.options["elsewhere"])
    return _tell_about_self(task, report)


def _leave_what_stays(task: StageTask, report: Report) -> StageResult:
    """Leave a folder that only its owner's change of mind, or root, can empty."""
    Path("deep").mkdir()
    Path("deep/left").write_text("x")
    Path("deep").chmod(0)
    return _tell_about_self(task, report)


def _let_another_eat(task: StageTask, _report: Report) -> StageResult:
    """Let a program of its own hold so much for a second."""
    code = f"import time; held = b'x' * {task.options['bytes']}; time.sleep(1)"
    subprocess.run([sys.executable, "-c", code], check=True)
    return answer()


def _be_copied(task: StageTask, _report: Report) -> StageResult:
    """Hold so much for a second, and have a copy that shares it."""
    held = b"x" * task.options["bytes"]
    copy = os.fork()
    if not copy:
        time.sleep(1)
        os._exit(0)
    os.waitpid(copy, 0)
    return answer(pages=len(held))


def _can_open(path: str, mode: str) -> bool:
    try:
        with Path(path).open(mode):
            return True
    except OSError:
        return False


def _can_connect() -> bool:
    """Whether a local TCP server can be reached, the parent's network being the same."""
    address = ("127.0.0.1", int(os.environ.get("TEST_PORT", "1")))
    try:
        with socket.create_connection(address, timeout=1):
            return True
    except OSError:
        return False


_BEHAVIOURS: dict[str, Callable[[StageTask, Report], StageResult]] = {
    "work": _work,
    "index": _index,
    "eat_memory_slowly": _eat_memory_slowly,
    "eat_memory_at_once": _eat_memory_at_once,
    "loop_without_a_word": _loop_without_a_word,
    "loop_with_ticks": _loop_with_ticks,
    "burn_cpu": _burn_cpu,
    "ignore_sigterm": _ignore_sigterm,
    "segfault": _segfault,
    "abort": _abort,
    "exit": _exit,
    "raise": _raise,
    "be_encrypted": _be_encrypted,
    "flood": _flood,
    "write_nonsense": _write_nonsense,
    "tell_about_self": _tell_about_self,
    "open_others": _open_others,
    "read_given": _read_given,
    "leave_much": _leave_much,
    "leave_what_stays": _leave_what_stays,
    "let_another_eat": _let_another_eat,
    "be_copied": _be_copied,
}


def task(behaviour: str, **options: object) -> StageTask:
    """Return a task that makes the child behave like that."""
    return StageTask(
        stage=Stage.EXTRACT,
        filename="a.txt",
        content_type=None,
        size_bytes=1,
        sha256="0" * 64,
        options={"do": behaviour, **options},
    )
