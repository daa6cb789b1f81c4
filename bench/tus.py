"""One large upload by tus against tusd, the protocol's own server, over the same object store.

    python -m bench.tus [--mib 512] [--rounds 3]

Both get the same bytes from the same client: a creation and one PATCH, as browsers send them.
Rounds alternate, so that what else the machine does hits all alike. Ours also finds the SHA-256,
looks at the content and makes a document of it; tusd stores. tusd is built by Go where there is
one, otherwise there is nothing to compare with. Client, servers and store share the machine.
"""

import base64
import os
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urljoin

import psutil
import urllib3
from bench import peers
from bench.ingest_process import MIB, Content, Ingest, bearer
from bench.servers import Place, place
from bench.transfers import Meter, Way, compare, options, report

from docyard_stack.ports import free_ports

_HEADERS = {"Tus-Resumable": "1.0.0"}
_PIECE_BYTES = MIB


class Client:
    """A tus client of one server."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = {**_HEADERS, **headers}
        self._http = urllib3.PoolManager(timeout=300, retries=False, blocksize=_PIECE_BYTES)

    def send(self, size: int) -> str:
        """Create an upload and send it whole; return its URL, or that of its document."""
        name, kind = (base64.b64encode(text).decode() for text in (b"a.pdf", b"application/pdf"))
        said = {"Upload-Length": str(size), "Upload-Metadata": f"filename {name},filetype {kind}"}
        created = self._http.request("POST", self._url, headers={**self._headers, **said})
        assert created.status == 201, created.data
        upload = urljoin(self._url, created.headers["Location"])
        told = {
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        }
        sent = self._http.request(
            "PATCH", upload, body=Content(size), headers={**self._headers, **told}
        )
        assert sent.status == 204, sent.data
        document = sent.headers.get("Docyard-Document-Id")
        return f"/api/v1/documents/{document}" if document else upload

    def terminate(self, upload: str) -> None:
        """Let the server forget the upload."""
        self._http.request("DELETE", upload, headers=self._headers)


class Tusd:
    """tusd as a process of its own, with a bucket of its own in the same store."""

    def __init__(self, program: Path, at: Place, folder: Path) -> None:
        bucket = f"{at.store.bucket}-tusd"
        at.sdk().make_bucket(bucket)
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/files/"
        endpoint = f"http://{at.store.endpoint}"
        with (folder / "tusd.log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(program, "-host", "127.0.0.1", "-port", str(port), "-base-path", "/files/"),
                    *("-s3-bucket", bucket, "-s3-endpoint", endpoint, "-s3-disable-ssl"),
                    *("-show-greeting=false", "-disable-cors"),
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "TMPDIR": str(folder),
                    "AWS_REGION": at.store.region,
                    "AWS_ACCESS_KEY_ID": at.store.access_key,
                    "AWS_SECRET_ACCESS_KEY": at.store.secret_key.get_secret_value(),
                },
                stdout=log,
                stderr=log,
            )
        self.watched = psutil.Process(self.process.pid)
        self._await_ready()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib3.request("OPTIONS", self.url, retries=False, timeout=5)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("tusd did not become ready")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


def main() -> None:
    given = options(__doc__, mib=512)
    try:
        program = peers.tusd()
    except peers.PeerMissingError as missing:
        print(f"skipped: {missing}")
        return
    size = given.mib * MIB
    with tempfile.TemporaryDirectory() as name, place(Path(name) / "servers") as at:
        ingest = Ingest(at.environment, Path(name))
        tusd = Tusd(program, at, Path(name))
        ours, theirs = Client(f"{ingest.url}/tus", bearer()), Client(tusd.url, {})
        ways = {
            "docyard": Way(ours.send, ingest.erase),
            "tusd": Way(theirs.send, theirs.terminate),
        }
        try:
            meter = Meter(ingest, {"tusd": tusd.watched, "store": at.store_process})
            rounds = compare(ways, meter, size=size, rounds=given.rounds)
        finally:
            tusd.stop()
            ingest.stop()
        report(size, rounds, ours=("docyard",), peers=("tusd",))


if __name__ == "__main__":
    main()
