"""One large upload by chunks and by presigned URLs against a direct multipart put.

    python -m bench.ways_in [--mib 1024] [--rounds 3]

Rounds alternate, so that what else the machine does hits all alike. Direct is `put_object` of the
SDK as anybody uses it: parts of 8 MiB, three at once; the other two send three at once as well, by
urllib3, as the SDK does. Timed from the first request to 202, the whole file's SHA-256 found on
the way, which a direct put leaves out. Client, ingest and store share the machine.
DOCYARD_TEST_SERVERS names servers that run already; what the store spends is not told then.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import urllib3
from bench.direct import AT_ONCE, sdk_put
from bench.ingest_process import MIB, PART_BYTES, Content, Ingest, bearer
from bench.servers import place
from bench.transfers import Meter, Way, compare, options, report

UPLOAD = "/api/v1/documents/upload"


class Client:
    """Sends parts, three at once, and never holds more than a few."""

    def __init__(self, ingest: Ingest) -> None:
        self._url = ingest.url
        self._http = urllib3.PoolManager(maxsize=AT_ONCE, timeout=120, retries=False)

    def chunked(self, size: int) -> str:
        """Send a file in parts through ingest; return where the document is read."""
        upload = self._open("initiate", size)

        def send(number: int, data: bytes) -> None:
            self._put(f"{self._url}{UPLOAD}/{upload['upload_id']}/parts/{number}", data, bearer())

        in_parallel(parts_of(size), send)
        return self._complete(upload)

    def presigned(self, size: int) -> str:
        """Send a file in parts straight to the store; return where the document is read."""
        upload = self._open("presign", size)

        def send(number: int, data: bytes) -> None:
            signed = upload["parts"][number - 1]
            self._put(signed["url"], data, signed["headers"])

        in_parallel(parts_of(size), send)
        return self._complete(upload)

    def _put(self, url: str, data: bytes, headers: dict[str, str]) -> None:
        answer = self._http.request("PUT", url, body=data, headers=headers)
        assert answer.status == 200, answer.data

    def _open(self, door: str, size: int) -> dict[str, Any]:
        said = {"filename": "a.pdf", "file_size": size, "content_type": "application/pdf"}
        opened = self._post(f"{UPLOAD}/{door}", said, expected=201)
        assert opened["chunk_size"] == PART_BYTES
        return opened

    def _complete(self, upload: dict[str, Any]) -> str:
        done = self._post(f"{UPLOAD}/complete/{upload['upload_id']}", None, expected=202)
        return str(done["links"]["self"])

    def _post(self, path: str, body: Any, *, expected: int) -> dict[str, Any]:
        answer = self._http.request("POST", f"{self._url}{path}", json=body, headers=bearer())
        assert answer.status == expected, answer.data
        found: dict[str, Any] = json.loads(answer.data)
        return found


def parts_of(size: int) -> Iterator[tuple[int, bytes]]:
    content, number = Content(size), 0
    while data := content.read():
        number += 1
        # Every part another one: a store must not find them equal.
        yield number, data[:-8] + number.to_bytes(8, "big") if len(data) > 16 else data


def in_parallel(parts: Iterator[tuple[int, bytes]], send: Callable[[int, bytes], None]) -> None:
    """Send three at once: whichever ends makes room for the next one, as in the SDK."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        flying: set[Future[None]] = set()
        for number, data in parts:
            if len(flying) >= AT_ONCE:
                ended, flying = wait(flying, return_when=FIRST_COMPLETED)
                _require_sent(ended)
            flying.add(pool.submit(send, number, data))
        _require_sent(flying)


def _require_sent(parts: set[Future[None]]) -> None:
    for part in parts:
        part.result()


def main() -> None:
    given = options(__doc__)
    size = given.mib * MIB
    with tempfile.TemporaryDirectory() as name, place(Path(name) / "servers") as at:
        ingest = Ingest(at.environment, Path(name))
        client = Client(ingest)
        ways = {
            "chunked": Way(client.chunked, ingest.erase),
            "sdk": sdk_put(at),
            "presigned": Way(client.presigned, ingest.erase),
        }
        try:
            meter = Meter(ingest, {"store": at.store_process})
            rounds = compare(ways, meter, size=size, rounds=given.rounds)
        finally:
            ingest.stop()
        report(size, rounds, ours=("chunked", "presigned"), peers=("sdk",))


if __name__ == "__main__":
    main()
