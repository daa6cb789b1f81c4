"""What a stack may take for its own in a folder, and what it deletes there."""

import os
from pathlib import Path

import psutil
import pytest

from docyard_stack import status
from docyard_stack.commands import lifecycle
from docyard_stack.errors import StackError
from docyard_stack.folder import StackFolder
from docyard_stack.processes import Identity
from docyard_stack.record import PartRecord, PartState, Phase, StackRecord


def _used(path: Path) -> StackFolder:
    folder = StackFolder(path)
    with folder.hold():
        folder.save(StackRecord())
    (path / "kafka" / "log").mkdir(parents=True)
    (path / "logs").mkdir()
    return folder


def test_a_folder_that_never_held_a_stack_is_not_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    (tmp_path / "logs").mkdir()

    lifecycle.down(tmp_path, erase=True, as_json=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "thesis.odt"]
    assert '"erased": false' in capsys.readouterr().out


def test_what_is_not_the_stack_s_outlives_it(tmp_path: Path) -> None:
    folder = _used(tmp_path)
    (tmp_path / "thesis.odt").write_text("years of work")

    assert folder.erase()

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]
    assert not folder.erase()


def test_nothing_is_left_where_nothing_else_was(tmp_path: Path) -> None:
    assert _used(tmp_path / "stack").erase()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_under_its_names_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()

    with pytest.raises(StackError, match=r"objects.*--data"), StackFolder(tmp_path).hold():
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["objects"]


def test_a_folder_that_can_not_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StackError, match="Not a directory"):
        StackFolder(tmp_path / "file" / "stack").claim()


def test_what_can_not_be_deleted_is_named_and_deleted_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _used(tmp_path / "stack")

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as refusing:
        refusing.setattr("docyard_stack.folder._delete", refuse)
        with pytest.raises(StackError, match="can not be deleted: Operation not permitted"):
            folder.erase()

    assert folder.erase()
    assert list(tmp_path.iterdir()) == []


def test_a_clock_that_is_set_hides_no_running_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's time of day of every start moves with the clock."""
    folder = _used(tmp_path)
    me = Identity.own()
    part = PartRecord(state=PartState.READY, process=me)
    folder.save(StackRecord(phase=Phase.READY, supervisor=me, parts={"kafka": part}))

    true = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: true + 3_600)

    assert psutil.boot_time() == true + 3_600
    assert status.is_running(folder.load())
    (found,) = status.parts(folder)
    assert found.pid == os.getpid()
