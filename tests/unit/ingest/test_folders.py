"""What is opened lies in the folder, whatever is exchanged meanwhile; all else has its reason."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.folder_job import FileFailure, FoundFile, JobFailure, RefusedEntry
from ingest.sync.content import FileChangedError, hash_whole, read_whole
from ingest.sync.folders import FileRefusedError, FolderLostError, OpenFolder, Roots
from ingest.sync.patterns import Patterns
from ingest.sync.walking import Walk


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_bytes(b"hello")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_bytes(b"secret")
    return folder


@pytest.fixture
def folder(papers: Path) -> Iterator[OpenFolder]:
    opened = OpenFolder(str(papers))
    yield opened
    opened.close()


@contextmanager
def somebody_else() -> Iterator[None]:
    """Be an account that may not read what root has locked."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def refusal(folder: OpenFolder, path: str) -> FileFailure:
    with pytest.raises(FileRefusedError) as refused:
        folder.open_file(path.split("/"))
    return refused.value.failure


def test_a_file_is_read(folder: OpenFolder) -> None:
    file = folder.open_file(["deep", "a.txt"])

    whole = read_whole(file, file.signature())
    assert whole.data == b"hello"
    assert hash_whole(file, file.signature()) == whole.content
    file.close()


def test_a_folder_that_becomes_a_link_does_not_lead_out(
    folder: OpenFolder, papers: Path, tmp_path: Path
) -> None:
    (papers / "deep").rename(papers / "was-deep")
    (papers / "deep").symlink_to(tmp_path / "outside")

    assert refusal(folder, "deep/a.txt") is FileFailure.FILE_VANISHED


def test_a_file_that_becomes_a_link_is_no_file(
    folder: OpenFolder, papers: Path, tmp_path: Path
) -> None:
    (papers / "deep" / "a.txt").unlink()
    (papers / "deep" / "a.txt").symlink_to(tmp_path / "outside" / "a.txt")

    assert refusal(folder, "deep/a.txt") is FileFailure.NOT_A_FILE


@pytest.mark.timeout(10)
def test_what_is_no_regular_file_is_refused_at_once(folder: OpenFolder, papers: Path) -> None:
    os.mkfifo(papers / "pipe")
    (papers / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(papers / "socket"))

        for name in ("pipe", "folder", "socket"):
            assert refusal(folder, name) is FileFailure.NOT_A_FILE


def test_a_file_that_is_gone_or_locked_says_so(folder: OpenFolder, papers: Path) -> None:
    (papers / "locked.txt").write_bytes(b"x")
    (papers / "locked.txt").chmod(0)
    papers.chmod(0o755)

    with somebody_else():
        assert refusal(folder, "locked.txt") is FileFailure.FILE_UNREADABLE
        assert refusal(folder, "gone.txt") is FileFailure.FILE_VANISHED


def test_a_folder_whose_place_was_taken_is_lost(
    folder: OpenFolder, papers: Path, tmp_path: Path
) -> None:
    papers.rename(tmp_path / "away")

    with pytest.raises(FolderLostError) as lost:
        folder.open_file(["gone.txt"])

    assert lost.value.failure is JobFailure.FOLDER_MISSING


def test_a_link_is_no_folder_of_a_job(tmp_path: Path, papers: Path) -> None:
    (tmp_path / "link").symlink_to(papers)

    with pytest.raises(FolderLostError):
        OpenFolder(str(tmp_path / "link"))
    with pytest.raises(FolderLostError):
        OpenFolder(str(tmp_path / "link" / "deep"))


def test_a_file_that_is_written_while_it_is_read_is_noticed(
    folder: OpenFolder, papers: Path
) -> None:
    file = folder.open_file(["deep", "a.txt"])
    before = file.signature()
    with (papers / "deep" / "a.txt").open("ab") as writer:
        writer.write(b" and more")

    for read in (read_whole, hash_whole):
        with pytest.raises(FileChangedError):
            read(file, before)
    file.close()


def test_a_walk_tells_of_every_entry(folder: OpenFolder, papers: Path, tmp_path: Path) -> None:
    (papers / "link").symlink_to(tmp_path / "outside")
    (papers / "locked").mkdir(mode=0)
    (papers / ".hidden").write_bytes(b"")
    (papers / "deep").chmod(0o755)
    papers.chmod(0o755)
    walk = Walk(folder, Patterns([]), prefix="")

    with somebody_else():
        entries = list(walk.entries())

    assert [entry.path for entry in entries if isinstance(entry, FoundFile)] == ["deep/a.txt"]
    refused = [entry for entry in entries if isinstance(entry, RefusedEntry)]
    assert refused == [RefusedEntry("locked/", FileFailure.FOLDER_UNREADABLE, is_folder=True)]
    assert dict(walk.skipped) == {"symlink": 1, "hidden": 1}


def test_roots_are_left_by_no_path(papers: Path, tmp_path: Path) -> None:
    roots = Roots([papers])
    (papers / "way-out").symlink_to(tmp_path / "outside")
    (tmp_path / "way-in").symlink_to(papers)

    assert roots.canonical(f"{papers}/deep/") == f"{papers}/deep"
    assert roots.canonical(str(papers)) == str(papers)
    assert roots.canonical(str(tmp_path / "way-in" / "deep")) == f"{papers}/deep"
    for path in (f"{papers}/../outside", f"{papers}/way-out", f"{papers}-2", "papers", "/", ""):
        assert roots.canonical(path) is None
    assert Roots([Path("/")]).canonical("/etc") == "/etc"
    assert Roots([]).canonical(str(papers)) is None
