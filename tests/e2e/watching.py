"""What a stack's own processes use, before and after something was done to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.waiting import eventually

from docyard_stack.folder import StackFolder

SERVICES = ("ingest", "processor", "notifier", "dlq-admin")
MIB = 1024 * 1024


@dataclass(frozen=True)
class Resident:
    """Resident bytes of each service alone, without its children."""

    by_service: Mapping[str, int]

    def grown_mib(self, before: "Resident") -> dict[str, int]:
        """Return by how much each has grown, in whole mebibytes."""
        return {
            name: (size - before.by_service[name]) // MIB for name, size in self.by_service.items()
        }


def service(data: Path, name: str) -> psutil.Process:
    record = StackFolder(data).load()
    assert record
    process = record.parts[name].process
    assert process
    return psutil.Process(process.pid)


def resident(data: Path) -> Resident:
    return Resident({name: service(data, name).memory_info().rss for name in SERVICES})


def helpers_left(data: Path) -> list[str]:
    """Return what children have started and left: a child at rest has no process of its own."""
    (server,) = service(data, "processor").children()
    helpers = [helper for child in server.children() for helper in _below(child)]
    return [line for helper in helpers for line in _command(helper)]


async def no_helper_left(data: Path) -> None:
    """Return when none is left, those of earlier tests included; fail with those that are."""
    try:
        await eventually(lambda: helpers_left(data) == [])
    except AssertionError as error:
        error.add_note(f"left: {helpers_left(data)}")
        raise


def _below(child: psutil.Process) -> list[psutil.Process]:
    """Return all that *child* has started; nothing when it ended meanwhile."""
    try:
        return child.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _command(helper: psutil.Process) -> list[str]:
    """Return its command line; nothing when it ended meanwhile and somebody has noticed."""
    try:
        return [" ".join(helper.cmdline())]
    except psutil.ZombieProcess:
        return [f"zombie {helper.pid}"]
    except psutil.NoSuchProcess:
        return []


def children(data: Path) -> int:
    """Return how many children there are: at most one a slot."""
    (server,) = service(data, "processor").children()
    return len(server.children())
