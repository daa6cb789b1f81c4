"""Real clients of tus, unchanged: tus-js-client and Uppy under Node, tuspy under Python."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import platformdirs
import pytest
from filelock import FileLock
from tests.e2e.conftest import Person

pytestmark = pytest.mark.e2e

PACKAGES = ("tus-js-client@4.3.1", "@uppy/core@6.3.1", "@uppy/tus@6.0.0")
Run = Callable[..., Coroutine[Any, Any, dict[str, Any]]]
SCRIPTS = Path(__file__).parent / "tus"
CHUNK = 300_000
TEXT = "".join(f"{hashlib.sha256(b'%d' % line).hexdigest()}\n" for line in range(15_000))


@pytest.fixture(scope="session")
def modules() -> Path:
    """Where the npm packages are, installed once a user and version."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not on this machine")
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    folder = Path(platformdirs.user_cache_dir("docyard")) / f"tus-clients-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", *PACKAGES]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip("the npm packages can not be had: the registry does not answer")
            (folder / "done").touch()
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "long.txt"
    path.write_text(TEXT)
    return path


class Runs:
    """Runs the scripts for one person and one file."""

    def __init__(self, person: Person, file: Path, modules: Path | None = None) -> None:
        self._person = person
        self._file = file
        self._environment = os.environ | {"DOCYARD_TUS_MODULES": str(modules)}

    async def run(self, program: str, script: str, **arguments: Any) -> dict[str, Any]:
        said = {
            "endpoint": f"{self._person.endpoints.ingest}/tus",
            "token": self._person.token,
            "file": str(self._file),
            "name": self._file.name,
            "type": "text/plain",
            "store": str(self._file.with_suffix(".json")),
            "chunkSize": CHUNK,
            **arguments,
        }
        command = (program, str(SCRIPTS / script), json.dumps(said))
        process = await asyncio.create_subprocess_exec(
            *command, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        result: dict[str, Any] = json.loads(out)
        return result


@pytest.fixture
def node(person: Person, file: Path, modules: Path) -> Run:
    return partial(Runs(person, file, modules).run, "node")


async def stored(person: Person, url: str) -> str:
    """Return the SHA-256 of the document that the upload at *url* has become."""
    async with person.http() as http:
        told = await http.head(
            urljoin(person.endpoints.ingest, url), headers={"Tus-Resumable": "1.0.0"}
        )
        document = await http.get(f"/api/v1/documents/{told.headers['docyard-document-id']}")
    read: dict[str, str] = document.json()
    return read["sha256"]


SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()


async def test_tus_js_client_uploads_in_chunks(node: Run, person: Person) -> None:
    done = await node("upload.mjs")

    assert done["requests"][0] == "POST 201"
    assert await stored(person, done["url"]) == SHA256


async def test_tus_js_client_goes_on_where_it_was_stopped(node: Run, person: Person) -> None:
    stopped = await node("upload.mjs", stopAfter=2 * CHUNK)
    done = await node("upload.mjs")

    assert stopped["stopped"] == 2 * CHUNK
    assert done["requests"][0] == "HEAD 200"
    assert await stored(person, done["url"]) == SHA256


async def test_tus_js_client_uploads_in_parallel(node: Run, person: Person) -> None:
    done = await node("upload.mjs", parallel=3)

    assert done["requests"].count("POST 201") == 4
    assert await stored(person, done["url"]) == SHA256


async def test_uppy_uploads_by_its_plug_in(node: Run, person: Person) -> None:
    done = await node("uppy.mjs")

    assert await stored(person, done["url"]) == SHA256


async def test_tuspy_goes_on_where_another_process_stopped(person: Person, file: Path) -> None:
    runs = Runs(person, file)

    first = await runs.run(sys.executable, "upload_with_tuspy.py", chunks=2)
    second = await runs.run(sys.executable, "upload_with_tuspy.py")

    assert second["url"] == first["url"]
    assert second["began_at"] == 2 * CHUNK
    assert await stored(person, second["url"]) == SHA256
