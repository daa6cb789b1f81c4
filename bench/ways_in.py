"""One large upload by chunks and by presigned URLs against a direct multipart put.

    python -m bench.ways_in [--mib 1024] [--rounds 3]

Rounds alternate, so that what else the machine does hits all alike. Direct is `put_object` of the
SDK as anybody uses it: parts of 8 MiB, three at once; the other two send three at once as well.
Timed from the first request to 202, the whole file's SHA-256 found on the way, which a direct put
leaves out. Client, ingest and store share the machine.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from bench.ingest_process import MIB, PART_BYTES, SECRET, Content, Ingest, Round
from bench.upload import by_sdk, servers, service_environment
from pydantic import SecretStr

from docyard_common.auth import mint
from docyard_common.settings import ObjectStoreSettings

AT_ONCE = 3
UPLOAD = "/api/v1/documents/upload"


class Client:
    """Sends parts, three at once, and never holds more than a few."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        bearer = {"Authorization": f"Bearer {mint(SECRET, subject='bench')}"}
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{ingest.port}", headers=bearer, timeout=120
        )
        self._store = httpx.Client(timeout=120)

    def chunked(self, size: int) -> Round:
        return self._ingest.measured(lambda: self._chunked(size), self._erase)

    def presigned(self, size: int) -> Round:
        return self._ingest.measured(lambda: self._presigned(size), self._erase)

    def _chunked(self, size: int) -> str:
        upload = self._open("initiate", size)

        def send(number: int, data: bytes) -> None:
            url = f"{UPLOAD}/{upload['upload_id']}/parts/{number}"
            answer = self._http.put(url, content=data)
            assert answer.status_code == 200, answer.text

        in_parallel(parts_of(size), send)
        return self._complete(upload)

    def _presigned(self, size: int) -> str:
        upload = self._open("presign", size)
        urls = upload["parts"]

        def send(number: int, data: bytes) -> None:
            signed = urls[number - 1]
            answer = self._store.put(signed["url"], content=data, headers=signed["headers"])
            assert answer.status_code == 200, answer.text

        in_parallel(parts_of(size), send)
        return self._complete(upload)

    def _open(self, door: str, size: int) -> dict[str, Any]:
        said = {"filename": "a.pdf", "file_size": size, "content_type": "application/pdf"}
        answer = self._http.post(f"{UPLOAD}/{door}", json=said)
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        assert opened["chunk_size"] == PART_BYTES
        return opened

    def _complete(self, upload: dict[str, Any]) -> str:
        answer = self._http.post(f"{UPLOAD}/complete/{upload['upload_id']}")
        assert answer.status_code == 202, answer.text
        return str(answer.json()["links"]["self"])

    def _erase(self, location: str) -> None:
        self._http.delete(location)


def parts_of(size: int) -> Iterator[tuple[int, bytes]]:
    content, number = Content(size), 0
    while data := content.read():
        number += 1
        # Every part another one: a store must not find them equal.
        yield number, data[:-8] + number.to_bytes(8, "big") if len(data) > 16 else data


def in_parallel(parts: Iterator[tuple[int, bytes]], send: Callable[[int, bytes], None]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        flying: list[Future[None]] = []
        for number, data in parts:
            if len(flying) >= AT_ONCE:
                flying.pop(0).result()
            flying.append(pool.submit(send, number, data))
        for each in flying:
            each.result()


def report(size: int, rounds: dict[str, list[Round]]) -> None:
    mib = size / MIB
    rates = {name: [mib / r.seconds for r in found] for name, found in rounds.items()}
    for name, found in rates.items():
        shown = " ".join(f"{rate:6.1f}" for rate in found)
        print(f"{name:10} median {statistics.median(found):6.1f} MiB/s   rounds {shown}")
    for way in ("chunked", "presigned"):
        ratios = [i / d for i, d in zip(rates[way], rates["sdk"], strict=True)]
        spent = rounds[way]
        print(
            f"{way:10} / sdk {statistics.median(ratios):.2f}"
            f"   from {min(ratios):.2f} to {max(ratios):.2f}"
            f"   ingest CPU {statistics.median(r.cpu_s for r in spent) / (mib / 1024):.2f} s a GiB"
            f"   peak memory {max(r.peak_mib for r in spent):.0f} MiB"
            f"   written to files {max(r.written_mib for r in spent):.2f} MiB"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    size = options.mib * MIB
    with tempfile.TemporaryDirectory() as name, servers(Path(name) / "servers") as address:
        store = address["object_store"]
        settings = ObjectStoreSettings(
            endpoint=store["endpoint"],
            access_key=store["access_key"],
            secret_key=SecretStr(store["secret_key"]),
            bucket=f"bench-{os.getpid()}",
        )
        ingest = Ingest(service_environment(address, settings), Path(name))
        client = Client(ingest)
        ways: dict[str, Callable[[], Round]] = {
            "chunked": lambda: client.chunked(size),
            "sdk": lambda: by_sdk(settings, size),
            "presigned": lambda: client.presigned(size),
        }
        try:
            client.chunked(64 * MIB)
            rounds: dict[str, list[Round]] = {way: [] for way in ways}
            for _ in range(options.rounds):
                for way, run in ways.items():
                    rounds[way].append(run())
        finally:
            ingest.stop()
        report(size, rounds)


if __name__ == "__main__":
    main()
