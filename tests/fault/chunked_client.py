"""A client of chunked uploads that does not give up, and knows what it has sent how often."""

import hashlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.fault.fleet import token

UPLOAD = "/api/v1/documents/upload"
AT_ONCE = 4
_BLOCK = hashlib.shake_256(b"blocks").digest(8 * 1024 * 1024)
_PATIENCE_S = 300


def part_bytes(number: int, size: int) -> bytes:
    """Return the bytes of a part: PDF by its first bytes, and no part like another."""
    head = b"%PDF-1.7\n" if number == 1 else b""
    return (head + number.to_bytes(8, "big") + _BLOCK)[:size]


@dataclass
class ChunkedClient:
    """Sends every request to the next replica in turn."""

    urls: Sequence[str]
    size: int
    acknowledged: Counter[int] = field(default_factory=Counter)
    sent: Counter[int] = field(default_factory=Counter)
    on_part: Callable[[int], None] = lambda _: None
    on_failure: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token()}"}, timeout=60, trust_env=False
        )

    def run(self) -> tuple[str, str]:
        """Upload everything, once; return the document's id and the SHA-256 of what was sent."""
        with self._http:
            return self._run()

    def _run(self) -> tuple[str, str]:
        said = {"filename": "big.pdf", "file_size": self.size, "content_type": "application/pdf"}
        upload = self._ask("POST", "/initiate", json=said, headers={"Idempotency-Key": "k"})
        path = f"/status/{upload['upload_id']}"
        while missing := self._ask("GET", path)["missing_parts"]:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda number: self._send(upload, number), missing))
        done = self._ask("POST", f"/complete/{upload['upload_id']}")
        return done["document_id"], self._sha256(upload)

    @property
    def repeated(self) -> int:
        """How many parts were acknowledged and yet sent again."""
        return sum(1 for count in self.acknowledged.values() if count > 1)

    def _send(self, upload: dict[str, Any], number: int) -> None:
        """Send a part once; one that breaks off is asked for by the next look at the status."""
        data = self._part(upload, number)
        path = f"{UPLOAD}/{upload['upload_id']}/parts/{number}"
        with self._lock:
            self.sent[number] += 1
        try:
            answer = self._http.put(self._next() + path, content=data)
        except httpx.HTTPError:
            self._wait()
            return
        if answer.is_success:
            with self._lock:
                self.acknowledged[number] += 1
            self.on_part(number)
        else:
            assert answer.status_code >= 500, answer.text
            self._wait()

    def _wait(self) -> None:
        """Wait a moment, and leave the rhythm in which every part meets the same replica."""
        self.on_failure()
        self._next()
        time.sleep(0.3)

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                answer = self._http.request(method, self._next() + UPLOAD + path, **request)
                if answer.is_success:
                    body: dict[str, Any] = answer.json()
                    return body
                assert answer.status_code >= 500 or answer.json()["retryable"], answer.text
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"{path} was not answered for long"
            self.on_failure()
            time.sleep(0.3)

    def _next(self) -> str:
        return self.urls[next(self._turn) % len(self.urls)]

    def _part(self, upload: dict[str, Any], number: int) -> bytes:
        size = upload["chunk_size"]
        return part_bytes(number, min(size, self.size - (number - 1) * size))

    def _sha256(self, upload: dict[str, Any]) -> str:
        digest = hashlib.sha256()
        for number in range(1, upload["total_parts"] + 1):
            digest.update(self._part(upload, number))
        return digest.hexdigest()
