"""What `docyard doctor` says of the stack on this machine."""

import shutil
from pathlib import Path

import psutil
import pytest

from docyard.diagnosis.finding import Verdict
from docyard_stack.checks import findings
from docyard_stack.folder import StackFolder
from docyard_stack.processes import Identity
from docyard_stack.record import Failure, PartRecord, PartState, Phase, StackRecord


def _of(data: Path) -> dict[str, tuple[Verdict, str]]:
    return {found.check: (found.verdict, found.detail) for found in findings(data)}


def _save(data: Path, record: StackRecord) -> None:
    data.mkdir(exist_ok=True)
    StackFolder(data).save(record)


def _running(**parts: PartRecord) -> StackRecord:
    return StackRecord(phase=Phase.READY, supervisor=Identity.own(), parts=parts)


def test_nothing_is_said_where_no_stack_ever_was(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


def test_a_stack_that_does_not_run_says_why_its_last_start_failed(tmp_path: Path) -> None:
    failure = Failure(part="kafka", reason="the port is taken", log="kafka.log")
    _save(tmp_path, StackRecord(phase=Phase.FAILED, failure=failure))

    verdict, detail = _of(tmp_path)["stack"]

    assert verdict is Verdict.FAILED
    assert "the port is taken" in detail


def test_parts_are_told_apart(tmp_path: Path) -> None:
    me = Identity.own()
    ready = PartRecord(state=PartState.READY, process=me)
    restarted = PartRecord(state=PartState.READY, process=me, restarts=3)
    ill = PartRecord(state=PartState.RESTARTING)
    _save(tmp_path, _running(postgres=ready, ingest=restarted, processor=ill))

    found = _of(tmp_path)

    assert found["part postgres"][0] is Verdict.OK
    assert found["part ingest"][0] is Verdict.WARNING
    assert "3 times" in found["part ingest"][1]
    assert found["part processor"][0] is Verdict.FAILED


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(1, Verdict.FAILED), (2 * 1024**3, Verdict.WARNING), (50 * 1024**3, Verdict.OK)],
)
def test_a_disk_that_fills_up_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict
) -> None:
    _save(tmp_path, _running())
    total = 100 * 1024**3
    usage = shutil.disk_usage(tmp_path)._replace(total=total, free=free, used=total - free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    assert _of(tmp_path)["disk"][0] is verdict


def test_memory_that_runs_out_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _save(tmp_path, _running())
    now = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: now._replace(available=1))

    assert _of(tmp_path)["memory"][0] is Verdict.WARNING
