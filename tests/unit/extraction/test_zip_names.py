"""Names in ZIP archives that do not say their encoding are read as what they most likely are."""

from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_stack.samples.archives import zipped
from processor.stages.extract import extract
from processor.stages.task import FoundMember


def archive(path: Path, *names: bytes) -> Path:
    """Write an archive with files of these *names*, and no word on what they mean."""
    plain = [f"{number:x}".ljust(len(name), "-") for number, name in enumerate(names)]
    data = zipped(dict.fromkeys(plain, b"words"))
    for stand_in, name in zip(plain, names, strict=True):
        data = data.replace(stand_in.encode(), name)
    path.write_bytes(data)
    return path


def found_in(path: Path) -> list[FoundMember]:
    report = KeptReport()
    extract(task_for(path), report)
    return [told for told in report.members if isinstance(told, FoundMember)]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", ["Größe der Schiffe.txt", "書類.txt"]),
        ("cp932", ["日本語の書類.txt", "テスト.txt", "表.txt"]),
        ("cp866", ["Отчёт за год.txt", "Новая папка/Счёт.txt"]),
        ("cp437", ["Größe der Schiffe.txt", "Übersicht.txt", "ÄÖÜ.txt"]),
    ],
)
def test_names_are_read_in_the_encoding_they_are_in(
    tmp_path: Path, encoding: str, names: list[str]
) -> None:
    path = archive(tmp_path / "a.zip", *(name.encode(encoding) for name in names))

    assert [found.path for found in found_in(path)] == names


def test_names_in_several_encodings_are_read_one_by_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", "書類.txt".encode(), "Größe.txt".encode("cp437"), b"a.txt")

    assert [found.path for found in found_in(path)] == ["書類.txt", "Größe.txt", "a.txt"]


def test_names_that_lead_elsewhere_are_made_safe_whatever_they_are_in(tmp_path: Path) -> None:
    names = ("../../日本語の書類.txt", "C:\\日本語\\請求書.txt")

    found = found_in(archive(tmp_path / "a.zip", *(name.encode("cp932") for name in names)))

    assert [member.path for member in found] == list(names)
    assert [member.filename for member in found] == ["日本語の書類.txt", "請求書.txt"]
