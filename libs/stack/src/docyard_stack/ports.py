"""Picks free TCP ports on this machine, and never the same ones for two processes.

Who picks a port listens on it seconds later. Until then it looks free to everybody, so it is also
written down, in a file of this user, for as long as the process lives that picked it.
"""

import fcntl
import os
import random
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import platformdirs
from pydantic import BaseModel, ValidationError

from docyard_stack.processes import Identity

# Below the range from which Linux and macOS take ports for outgoing connections: a port written
# down today must not be somebody's client socket at the next start.
_RANGE: Final = range(20_000, 32_000)
_HOST: Final = "127.0.0.1"


class _Claims(BaseModel):
    """Ports that living processes have picked."""

    ports: dict[int, Identity] = {}


def is_free(port: int) -> bool:
    """Whether nobody listens on *port* right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int, *, taken: Collection[int] = ()) -> list[int]:
    """Return *count* different free ports, none of them in *taken* nor picked by anyone alive.

    They are this process's until it ends, also by kill -9. Where the user's cache folder can not
    be written, and beside another user, they are drawn at random alone: two stacks of 21 ports that
    start at the same moment meet in one of 27 starts (21 * 21 / 12,000).
    """
    with _claims() as claimed:
        drawn = random.sample(_RANGE, len(_RANGE))
        good = (p for p in drawn if p not in taken and p not in claimed and is_free(p))
        found = list(islice(good, count))
        claimed.update(dict.fromkeys(found, Identity.own()))
    return found


def keep_ports(ports: Collection[int]) -> bool:
    """Take these very ports again; False, and none taken, when one is used or picked by another."""
    with _claims() as claimed:
        own = Identity.own()
        if not all(is_free(p) and claimed.get(p, own) == own for p in ports):
            return False
        claimed.update(dict.fromkeys(ports, own))
    return True


@contextmanager
def _claims() -> Iterator[dict[int, Identity]]:
    """Hold what living processes have picked for one block; changes are written down.

    A kill -9 in the middle leaves a file that is read as empty.
    """
    try:
        handle = os.open(_file(), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield {}
        return
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        claimed = _alive(file.read())
        yield claimed
        file.seek(0)
        file.truncate()
        file.write(_Claims(ports=claimed).model_dump_json())


def _file() -> Path:
    return platformdirs.user_cache_path("docyard", ensure_exists=True) / "ports.json"


def _alive(text: str) -> dict[int, Identity]:
    try:
        ports = _Claims.model_validate_json(text).ports
    except ValidationError:
        return {}
    living = {owner for owner in set(ports.values()) if owner.alive}
    return {port: owner for port, owner in ports.items() if owner in living}
