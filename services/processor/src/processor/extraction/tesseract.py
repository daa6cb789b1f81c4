"""The program `tesseract`, a process for each picture, in time that counts what it was let work."""

import math
import os
import resource
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_CPU_S: Final = 120
_WORK_S: Final = 240.0
"""Beside processor time: others may have most of it. Below `no_progress_s`, which ends it all."""
_STEP_S: Final = 0.1
_ONE_THREAD: Final = {"OMP_THREAD_LIMIT": "1"}
"""Slots share the processors: four threads of one page would wait for each other."""
# The kernel ends tesseract with the child that started it, however that died.
_WITH_PARENT: Final[tuple[str, ...]] = ("setpriv", "--pdeathsig", "KILL")


def read(
    picture: bytes, languages: tuple[str, ...], *, cpu_s: int = _CPU_S, work_s: float = _WORK_S
) -> bytes | None:
    """Return the table of what is in *picture*; None where tesseract fails or takes too long.

    That is *cpu_s* of processor time, or *work_s* in which neither it nor this process was halted.
    """
    command = ["tesseract", "stdin", "stdout", "-l", "+".join(languages), "--psm", "3", "tsv"]
    if shutil.which(_WITH_PARENT[0]):
        command = [*_WITH_PARENT, *command]
    try:
        with tempfile.TemporaryFile() as given:
            given.write(picture)
            given.seek(0)
            with subprocess.Popen(  # noqa: S603 - languages are checked against the installed ones
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD},
            ) as process:
                return _said(process, cpu_s, work_s)
    except OSError:
        return None


def spent_s() -> float:
    """Return the processor time of this process and of those whose end it has seen."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def waited_s() -> float:
    """Return for how long this process has waited; a step in which it was halted counts as one."""
    return _WAITED.steps * _STEP_S


@dataclass
class _Waited:
    steps: int = 0


_WAITED: Final = _Waited()


def _said(process: "subprocess.Popen[bytes]", cpu_s: int, work_s: float) -> bytes | None:
    # Where that is forbidden, the other bound remains.
    with suppress(OSError):
        hard = resource.prlimit(process.pid, resource.RLIMIT_CPU)[1]
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (cpu_s, hard))
    try:
        # By steps: one in which both were halted counts no more than any other.
        for _ in range(math.ceil(work_s / _STEP_S)):
            with suppress(subprocess.TimeoutExpired):
                said, _nothing = process.communicate(timeout=_STEP_S)
                return said if process.returncode == 0 else None
            _WAITED.steps += 1
        return None
    finally:
        process.kill()
