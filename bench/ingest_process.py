"""Ingest as a process of its own, for benchmarks: started, fed, measured, stopped."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from docyard_common.auth import mint
from docyard_stack.ports import free_ports

MIB = 1024 * 1024
PART_BYTES = 8 * MIB
SECRET = "only-for-this-benchmark-and-long-enough"
BOUNDARY = "docyard-bench"
READY_WITHIN_S = 120


class Content(io.RawIOBase):
    """A PDF by its first bytes, then noise; read without being in memory as a whole."""

    def __init__(self, size: int) -> None:
        self._block = os.urandom(PART_BYTES)
        self._left = size
        self._head = b"%PDF-1.7\n"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = min(self._left, PART_BYTES if size < 0 else size, PART_BYTES)
        data = (
            self._head + self._block[len(self._head) : size] if self._head else self._block[:size]
        )
        self._head = b""
        self._left -= size
        return data[:size]


class Ingest:
    """The service as a process of its own, with an empty temp folder that is looked into."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.temp = folder / "temp"
        self.temp.mkdir()
        self.port, metrics_port = free_ports(2)
        log = (folder / "ingest.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ingest"],
            env=os.environ
            | environment
            | {
                "TMPDIR": str(self.temp),
                "HTTP__PORT": str(self.port),
                "HTTP__METRICS_PORT": str(metrics_port),
                "AUTH__SECRET": SECRET,
                "LIMITS__MAX_FILE_BYTES": str(16 * 1024 * MIB),
                "LIMITS__REQUESTS_PER_MINUTE": "0",
                "LIMITS__UPLOADS_PER_MINUTE": "0",
                "LIMITS__MAX_UPLOADS_IN_FLIGHT": "0",
                "SEARCH__WARM": "false",
            },
            stdout=log,
            stderr=log,
        )
        self._await_ready(f"http://127.0.0.1:{metrics_port}/health/ready")
        self.watched = psutil.Process(self.process.pid)

    def _await_ready(self, url: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url).is_success:
                    return
            time.sleep(0.2)
        raise SystemExit("ingest did not become ready; see its log")

    def send(self, size: int) -> str:
        """Send one form over a plain socket; return where the document is read."""
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        ).encode()
        tail = f"\r\n--{BOUNDARY}--\r\n".encode()
        lines = [
            "POST /api/v1/documents/upload/simple HTTP/1.1",
            "Host: bench",
            *(f"{name}: {value}" for name, value in bearer().items()),
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
            f"Content-Length: {len(head) + size + len(tail)}",
            "Connection: close",
        ]
        content = Content(size)
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + head)
            while data := content.read():
                connection.sendall(data)
            connection.sendall(tail)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        top, _, body = answer.partition(b"\r\n\r\n")
        assert top.startswith(b"HTTP/1.1 202"), answer[:500]
        return str(json.loads(body)["links"]["self"])

    def erase(self, location: str) -> None:
        """Delete a document, given where it is read."""
        httpx.delete(f"{self.url}{location}", headers=bearer(), timeout=60).raise_for_status()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        return float(sum(self.watched.cpu_times()[:2]))

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def written_mib(self) -> float:
        """Return what was written to files since the start."""
        return float(self.watched.io_counters().write_bytes / MIB)

    def require_no_temporary_file(self) -> None:
        assert not list(self.temp.iterdir()), "a temporary file was written"

    def peak_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def bearer() -> dict[str, str]:
    """Return the header that every call needs."""
    return {"Authorization": f"Bearer {mint(SECRET, subject='bench')}"}
