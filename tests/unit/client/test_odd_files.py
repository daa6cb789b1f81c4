"""Files, folders, names and targets that are not as one expects."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.fake_docyard import FakeDocyard
from typer.testing import Result

from docyard.cli.delivery import Delivery
from docyard.uploads import Upload

Run = Callable[..., Result]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that can not be read, not even by root."""
    folder = tmp_path / "docs" / "private"
    folder.mkdir(parents=True)
    read = os.scandir

    def scandir(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return folder


def test_a_folder_that_can_not_be_read_is_told_and_fails_the_command(
    run: Run, fake: FakeDocyard, locked: Path
) -> None:
    (locked.parent / "a.txt").write_text("a")

    result = run("upload", "-r", "--json", str(locked.parent))

    items = {item["path"]: item for item in json.loads(result.stdout)["items"]}
    assert result.exit_code == 8
    assert len(fake.documents) == 1
    assert items[str(locked.parent / "a.txt")]["state"] == "accepted"
    assert items[str(locked)]["state"] == "not sent"
    assert "Permission denied" in items[str(locked)]["error"]["detail"]
    assert "1 of 2 were not sent" in result.stderr


def test_a_folder_that_can_not_be_read_at_all_is_no_empty_one(run: Run, locked: Path) -> None:
    result = run("upload", "-r", str(locked))

    assert result.exit_code == 1
    assert "Permission denied" in result.stderr


@pytest.mark.parametrize("charset", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", [b"caf\xe9.txt", "Zoë 😀.txt".encode()])
def test_a_name_of_any_encoding_is_json_in_any_encoding(
    run: Run, tmp_path: Path, name: bytes, charset: str
) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118 - bytes
    path.write_text("a")

    result = run("upload", "--json", str(path), charset=charset)

    assert result.exit_code == 0
    (item,) = json.loads(result.stdout_bytes)["items"]
    assert item["path"] == str(path)
    assert item["document_id"]


def test_a_name_that_the_terminal_lacks_ends_no_list(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "Zoë.txt"
    path.write_text("a")

    result = run("upload", str(path), charset="ascii")

    assert result.exit_code == 0
    assert result.stdout_bytes.strip().split(b"\t")[2].endswith(b"Zo\\xeb.txt")


def test_what_was_not_begun_was_not_sent() -> None:
    assert Delivery("a.txt", Upload(b"a")).to_json()["state"] == "not sent"


@pytest.fixture
def document(fake: FakeDocyard) -> str:
    document_id = fake.add(filename="a.pdf")
    fake.contents[document_id] = b"%PDF"
    return document_id


def test_a_pipe_is_written_to_and_stays_one(run: Run, document: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    reader.start()

    result = run("get", document, "original", "-o", str(pipe))

    assert result.exit_code == 0
    assert pipe.is_fifo()
    reader.join(10)
    assert found == [b"%PDF"]


def test_a_link_stays_one_and_leads_to_what_came(run: Run, document: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)

    assert run("get", document, "original", "-o", str(link)).exit_code == 0

    assert link.is_symlink()
    assert target.read_bytes() == b"%PDF"
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_no_other_file_is_touched(run: Run, document: str, tmp_path: Path) -> None:
    other = tmp_path / "a.pdf.part"
    other.write_bytes(b"of somebody")

    assert run("get", document, "original", "-o", str(tmp_path / "a.pdf")).exit_code == 0

    assert other.read_bytes() == b"of somebody"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.pdf.part"]
