"""A whole stack of its own for a benchmark, and what its processes cost in CPU seconds."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

CHILDREN = "children"
CLIENT = "client"


@contextmanager
def stack(environment: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the addresses of a stack in a temporary folder; it is erased afterwards."""
    command = [sys.executable, "-m", "docyard"]
    # Rounds send the same documents again: each has to be worked on.
    told = {**os.environ, "PROCESSOR__REUSE_RESULTS": "false", **(environment or {})}
    with tempfile.TemporaryDirectory(prefix="docyard-bench-") as folder:
        Path(folder).chmod(0o755)
        data = ["--data", f"{folder}/stack"]
        up = [*command, "up", *data, "--detach", "--json"]
        started = subprocess.run(up, check=True, stdout=subprocess.PIPE, text=True, env=told)
        try:
            yield json.loads(started.stdout)
        finally:
            subprocess.run([*command, "down", *data, "--erase"], check=True, capture_output=True)


class CpuMeter:
    """CPU seconds by part: wall time says what else the machine does, this does not."""

    def __init__(self, data: str) -> None:
        status = [sys.executable, "-m", "docyard", "status", "--data", data, "--json"]
        answer = subprocess.run(status, check=True, stdout=subprocess.PIPE, text=True)
        parts = json.loads(answer.stdout)["parts"]
        self._parts = {part["name"]: psutil.Process(part["pid"]) for part in parts if part["pid"]}

    def add(self, name: str, pid: int) -> None:
        """Count one more process with its children."""
        self._parts[name] = psutil.Process(pid)

    def part(self, name: str) -> psutil.Process:
        """Return the process that the part *name* is, with those below it."""
        return self._parts[name]

    def read(self) -> dict[str, float]:
        """Return the seconds used so far; work done for documents is apart from its service."""
        used = {name: tree_s(process) for name, process in self._parts.items()}
        if "processor" in used:
            own = _own_s(self._parts["processor"])
            used[CHILDREN], used["processor"] = used["processor"] - own, own
        used[CLIENT] = _own_s(psutil.Process())
        return used


def milliseconds_each(
    before: Mapping[str, float], after: Mapping[str, float], count: int
) -> dict[str, float]:
    """Return what each of *count* documents cost between two readings, dearest part first."""
    spent = {name: (after[name] - before[name]) * 1000 / count for name in after if name in before}
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def tree_s(process: psutil.Process) -> float:
    """Return the CPU seconds of *process* and of all below it; of one that has ended, none."""
    try:
        return sum(map(used_s, [process, *process.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return 0.0


def _own_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def used_s(process: psutil.Process) -> float:
    """Return the seconds of *process* and of its children that have ended; 0 when it just did."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system
