"""Picks free TCP ports on this machine."""

import random
import socket
from collections.abc import Collection

# Below the range from which Linux and macOS take ports for outgoing connections: a port written
# down today must not be somebody's client socket at the next start.
_RANGE = range(20_000, 32_000)
_HOST = "127.0.0.1"


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
    """Return *count* different free ports, none of them in *taken*.

    Drawn at random, so that two stacks starting at once do not meet.
    """
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if len(found) == count:
            break
        if port not in taken and is_free(port):
            found.append(port)
    return found
