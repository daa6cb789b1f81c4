"""Stands between a service and its object store: counts puts, and can be away for a while."""

import contextlib
import re
import socket
import threading
from collections import Counter
from typing import Final
from urllib.parse import unquote

_PUT: Final = re.compile(rb"PUT /([^ ?]+)\?\S* HTTP/1\.1\r\n")
_LONGEST_LINE: Final = 4096


class StoreProxy:
    """A TCP proxy on a port of its own. Contents that hold request lines would be counted too."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        self._behind = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._connections: set[socket.socket] = set()
        self._away = threading.Event()
        self._lock = threading.Lock()
        self._last_put: int | None = None
        self.puts: Counter[str] = Counter()
        """Puts of whole objects and of parts, by `bucket/key`."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def go_away(self) -> None:
        """Break every connection and refuse the ones to come."""
        with self._lock:
            self._leave()

    def go_away_after(self, puts: int) -> None:
        """Go away at the put of that number, counted from now; it does not get through."""
        with self._lock:
            self._last_put = self.puts.total() + puts

    def come_back(self) -> None:
        self._away.clear()

    def close(self) -> None:
        self._listener.close()
        self.go_away()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._away.is_set():
                client.close()
                continue
            store = socket.create_connection(self._behind)
            if not self._admit(client, store):
                continue
            for source, target, counted in ((client, store, True), (store, client, False)):
                threading.Thread(
                    target=self._copy, args=(source, target, counted), daemon=True
                ).start()

    def _leave(self) -> None:
        """Call this with the lock."""
        self._away.set()
        self._last_put = None
        for connection in self._connections:
            _end(connection)

    def _admit(self, client: socket.socket, store: socket.socket) -> bool:
        """Have both ends broken by the next `go_away`, or at once if that came meanwhile."""
        with self._lock:
            if self._away.is_set():
                _end(client)
                _end(store)
                return False
            self._connections |= {client, store}
            return True

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:  # noqa: FBT001
        tail = b""
        try:
            while data := source.recv(256 * 1024):
                if counted:
                    tail = self._count(tail + data)
                target.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, target):
                with self._lock:
                    self._connections.discard(end)
                _end(end)

    def _count(self, seen: bytes) -> bytes:
        """Count the request lines in *seen*; return the end of it that may hold half of one."""
        end = 0
        for found in _PUT.finditer(seen):
            with self._lock:
                self.puts[unquote(found[1].decode())] += 1
                if self.puts.total() == self._last_put:
                    self._leave()
            end = found.end()
        return seen[max(end, len(seen) - _LONGEST_LINE) :]


def _end(connection: socket.socket) -> None:
    # Closing alone would leave a read on another thread waiting.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
