"""`docyard upload` of a large file: killed in the middle, the same command goes on."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import DOCYARD, Person

pytestmark = pytest.mark.e2e

UPLOAD = "/api/v1/documents/upload"
SIZE = 72 * 1024 * 1024
"""Above the size from which presigned files come in parts."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "large.txt"
    path.write_bytes(hashlib.shake_256(tmp_path.name.encode()).hexdigest(SIZE // 2).encode())
    return path


@pytest.fixture
def http(person: Person) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {person.token}"}
    url = person.endpoints.ingest
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        yield http


def under_way(http: httpx.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = http.get(f"{UPLOAD}/active").json()["items"]
    return items


def begun(http: httpx.Client) -> str | None:
    """Return the id of the upload of which something has been received."""
    for found in under_way(http):
        # Of what goes straight into the store, only a look there tells.
        if http.get(f"{UPLOAD}/status/{found['upload_id']}").json()["received_bytes"] > 0:
            return str(found["upload_id"])
    return None


def stop_in_the_middle(http: httpx.Client, command: subprocess.Popen[bytes]) -> str:
    """Stop a command that has sent something and not all; return the id of the upload.

    It stands still while its bytes are looked for: it would end meanwhile on a fast machine.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert command.poll() is None, "it ended before it was killed"
        # It goes on for as long as this look takes.
        if under_way(http):
            command.send_signal(signal.SIGSTOP)
            upload_id = begun(http)
            if upload_id is not None and command.poll() is None:
                return upload_id
            command.send_signal(signal.SIGCONT)
    raise AssertionError("nothing was received within 60 s")


@pytest.mark.parametrize("via", ["chunked", "presigned"])
def test_a_killed_upload_goes_on_where_it_was(
    person: Person, http: httpx.Client, file: Path, via: str
) -> None:
    """The same upload becomes the document, and the document is the file."""
    environment = person.environment() | {"XDG_STATE_HOME": str(file.parent / "state")}
    command = [*DOCYARD, "upload", "--json", "--via", via, str(file)]

    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as first:
        try:
            upload_id = stop_in_the_middle(http, first)
        finally:
            first.kill()
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert second.returncode == 0, second.stderr
    [item] = json.loads(second.stdout)["items"]
    status = http.get(f"{UPLOAD}/status/{upload_id}").json()
    document = http.get(f"/api/v1/documents/{item['document_id']}").json()
    http.delete(f"/api/v1/documents/{item['document_id']}")
    assert (status["document_id"], item["via"]) == (item["document_id"], via)
    assert document["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert under_way(http) == []
