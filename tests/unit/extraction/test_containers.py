"""ZIP containers are held to their limits before anything inflates."""

import struct
import zipfile
from pathlib import Path

import pytest
from tests.unit.extraction.packages import docx, paragraph, write_zip
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.events.stages import Stage
from processor.extraction.containers import ContainerLimits, open_container
from processor.stages.validate import validate


def reason_of(path: Path, **limits: int) -> FailureReason:
    with pytest.raises(PermanentError) as refused:
        open_container(path, ContainerLimits(**limits)).close()
    return refused.value.reason


@pytest.mark.parametrize(
    "limits",
    [
        {"members": 2},
        {"member_bytes": 999},
        {"total_bytes": 2_999},
        {"ratio": 10, "ratio_from_bytes": 500},
    ],
)
def test_what_is_beyond_a_limit_is_not_opened(tmp_path: Path, limits: dict[str, int]) -> None:
    path = write_zip(tmp_path / "a.zip", dict.fromkeys("abc", "x" * 1000))

    assert reason_of(path, **limits) is FailureReason.DECOMPRESSION_LIMIT


def test_a_declared_directory_of_millions_is_refused_unread(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {str(number): "" for number in range(400)})

    assert reason_of(path, members=300) is FailureReason.DECOMPRESSION_LIMIT


def end_record(entries: int, directory_bytes: int, *, here: int | None = None) -> bytes:
    counts = (entries if here is None else here, entries)
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *counts, directory_bytes, 0, 0)


def large_end_record(entries: int, directory_bytes: int, start: int) -> bytes:
    """ZIP64: the record, and what says where it is."""
    sizes = (entries, entries, directory_bytes, start)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *sizes)
    return record + struct.pack("<4sLQL", b"PK\x06\x07", 0, start + directory_bytes, 1)


def test_few_members_are_read_where_a_large_record_counts_them(tmp_path: Path) -> None:
    data = write_zip(tmp_path / "a.zip", {"a": "x", "b": bytes(2_000)}).read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    (tmp_path / "a.zip").write_bytes(
        data[:end] + large_end_record(2, end - start, start) + end_record(0xFFFF, 0xFFFF_FFFF)
    )

    container = open_container(tmp_path / "a.zip", ContainerLimits(members=2))

    assert container.read("a") == b"x"
    container.close()


@pytest.mark.parametrize(
    "end",
    [
        large_end_record(400, 40_000, 0) + end_record(1, 50),
        # Its count of entries here looks like the beginning of another record.
        end_record(0x0605, 80_000, here=0x4B50),
    ],
)
def test_the_record_that_would_be_followed_is_the_one_that_is_looked_at(
    tmp_path: Path, end: bytes
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no directory that can be read " * 4_000 + end)

    assert reason_of(path, members=300) is FailureReason.DECOMPRESSION_LIMIT


def test_a_member_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": "x" * 100_000})
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(PermanentError) as failed:
        open_container(path).read("a")

    assert failed.value.reason is FailureReason.UNREADABLE_DOCUMENT


def test_a_locked_member_is_encrypted_not_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": "secret"})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + flags] |= 1
    path.write_bytes(data)

    with pytest.raises(PermanentError) as failed:
        open_container(path).read("a")

    assert failed.value.reason is FailureReason.ENCRYPTED_DOCUMENT


def test_a_member_in_a_compression_nobody_knows_is_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a": "text"})
    data = bytearray(path.read_bytes())
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        data[data.find(signature) + method] = 99
    path.write_bytes(data)

    with pytest.raises(PermanentError) as failed:
        open_container(path).read("a")

    assert failed.value.reason is FailureReason.UNREADABLE_DOCUMENT


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.xlsx", FailureReason.TYPE_MISMATCH),
        ("a.pptx", FailureReason.TYPE_MISMATCH),
    ],
)
def test_the_directory_decides_what_a_document_is(
    tmp_path: Path, name: str, reason: FailureReason
) -> None:
    made = docx(tmp_path / "made.docx", paragraph("x"))
    with zipfile.ZipFile(made) as container:
        parts: dict[str, str | bytes] = {"padding": "\0" * 10}
        parts |= {member: container.read(member) for member in container.namelist()}
    path = write_zip(tmp_path / name, {"first": bytes(9_000), **parts})

    with pytest.raises(PermanentError) as failed:
        validate(task_for(path, stage=Stage.VALIDATE), KeptReport())

    assert failed.value.reason is reason


def test_a_container_of_anything_else_is_no_office_document(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.docx", {"photo.jpg": "..."})

    with pytest.raises(PermanentError) as failed:
        validate(task_for(path, stage=Stage.VALIDATE), KeptReport())

    assert failed.value.reason is FailureReason.UNREADABLE_DOCUMENT
