"""The `docyard` command against the whole stack, from a shell's point of view."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Person, Stack
from tests.waiting import until

from docyard_stack import samples
from docyard_stack.samples.pdfs import encrypted_pdf

pytestmark = pytest.mark.e2e

LIMIT_S = 300

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def docyard(person: Person) -> Run:
    def run(*arguments: str | Path, stdin: str | None = None) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "docyard", *map(str, arguments)],
            env=person.environment(),
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            timeout=LIMIT_S,
        )

    return run


@pytest.fixture
def run(person: Person) -> Run:
    return docyard(person)


def items(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return found


def dead_letter(operate: Run, document_id: str) -> dict[str, Any]:
    """Return the only one of a document: it has a topic of its own, and may come after `failed`."""
    found: list[dict[str, Any]] = []

    def listed() -> bool:
        found[:] = items(operate("dlq", "ls", "--document", document_id, "--json"))
        return bool(found)

    until(listed, within_s=60)
    (entry,) = found
    return entry


def test_a_document_from_upload_to_erasure(run: Run, tmp_path: Path) -> None:
    sample = samples.pdf(tmp_path / "a.pdf", pages=3, seed=41)

    upload = run("upload", sample.path, "--wait")
    document_id = upload.stdout.split("\t")[0]
    show = run("show", document_id, "--json")
    text = run("get", document_id)
    pages = run("get", document_id, "pages")
    original = run("get", document_id, "original", "-o", tmp_path / "b.pdf")
    search = run("search", sample.page_words[1], "--json")
    erased = run("rm", document_id, "--yes")
    gone = run("show", document_id)

    assert upload.returncode == 0, upload.stderr
    assert json.loads(show.stdout)["state"] == "completed"
    assert all(word in text.stdout for word in sample.page_words)
    assert [page["number"] for page in items(pages)] == [1, 2, 3]
    assert original.returncode == 0
    assert (tmp_path / "b.pdf").read_bytes() == sample.path.read_bytes()
    assert items(search)[0]["page_first"] <= 2 <= items(search)[0]["page_last"]
    assert erased.returncode == 0
    assert gone.returncode == 3
    assert "docyard ls" in gone.stderr


def test_a_folder_with_a_broken_document_is_partly_done(run: Run, tmp_path: Path) -> None:
    made = samples.burst(tmp_path / "folder", 12, seed=5)
    broken = encrypted_pdf(tmp_path / "folder" / "locked.pdf", seed=2)
    (tmp_path / "folder" / "program.exe").write_bytes(b"MZ")

    done = run("upload", "-r", "--wait", "--json", tmp_path / "folder")

    outcomes = {Path(item["path"]).name: item for item in items(done)}
    completed = [name for name, item in outcomes.items() if item["state"] == "completed"]
    assert done.returncode == 8
    assert sorted(completed) == sorted(sample.name for sample in made)
    assert outcomes["locked.pdf"]["error"]["code"] == broken.reason
    assert outcomes["program.exe"]["error"]["code"] == "UNSUPPORTED_TYPE"


def test_stdin_is_uploaded(run: Run) -> None:
    done = run("upload", "-", "--wait", "--json", stdin="words from a pipe")

    assert [item["state"] for item in items(done)] == ["completed"]
    assert run("get", items(done)[0]["document_id"]).stdout.strip() == "words from a pipe"


def test_watch_ends_with_one_result(run: Run, tmp_path: Path) -> None:
    sample = samples.pdf(tmp_path / "a.pdf", pages=20, seed=42)
    document_id = run("upload", sample.path).stdout.split("\t")[0]

    lines = [json.loads(line) for line in run("watch", document_id, "--json").stdout.splitlines()]

    assert [line["type"] for line in lines].count("result") == 1
    assert lines[-1]["items"][0]["state"] == "completed"


def test_an_operator_replays_and_discards(run: Run, operator: Person, tmp_path: Path) -> None:
    operate = docyard(operator)
    upload = run("upload", encrypted_pdf(tmp_path / "a.pdf", seed=3).path, "--wait")
    document_id = upload.stdout.split("\t")[0]

    entry = dead_letter(operate, document_id)
    scope = operate("dlq", "replay", entry["id"], "--dry-run", "--json")
    replay = operate("dlq", "replay", entry["id"], "--wait", "--json")
    discard = operate("dlq", "discard", entry["id"], "--because", "it has a password")
    forbidden = run("dlq", "discard", entry["id"], "--because", "mine")
    exported = operate("dlq", "export", "--state", "discarded")

    assert upload.returncode == 7
    assert json.loads(scope.stdout)["matched"] == 1
    assert json.loads(replay.stdout)["moved"] == 1
    assert discard.returncode in {0, 5}, discard.stderr  # 5 while the replay is on its way
    assert forbidden.returncode == 4
    assert all(json.loads(line)["id"] for line in exported.stdout.splitlines())


def test_a_token_of_the_stack_is_let_in(stack: Stack, person: Person) -> None:
    run = docyard(person)

    made = run("token", "--sub", person.name, "--data", stack.data, "--json")
    listed = run("ls", "--json", "--token", json.loads(made.stdout)["token"])
    refused = run("ls", "--token", "words")

    assert items(listed) == []
    assert refused.returncode == 4


def test_the_status_names_every_part(stack: Stack, run: Run) -> None:
    done = run("status", "--data", stack.data, "--json")

    parts = {part["name"]: part["state"] for part in json.loads(done.stdout)["parts"]}
    assert list(parts) == [
        "postgres",
        "object-store",
        "kafka",
        "ingest",
        "processor",
        "notifier",
        "dlq-admin",
    ]
    assert set(parts.values()) <= {"ready", "external"}


def test_the_doctor_finds_a_running_stack_well(stack: Stack, run: Run) -> None:
    done = run("doctor", "--json", "--data", stack.data)

    told = json.loads(done.stdout)
    assert done.returncode == 0, told
    assert told["healthy"]
    assert {"ingest", "notifier", "dlq-admin", "token", "processor"} <= {
        item["check"] for item in told["items"]
    }
