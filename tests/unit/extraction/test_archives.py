"""Archives are unfolded within limits, and nothing hostile in them costs more than itself."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.artifacts import SkipReason
from docyard_common.errors import FailureReason, PermanentError
from docyard_common.events.stages import Stage
from docyard_stack.samples.archives import tarred, zipped
from docyard_stack.samples.letters import mail
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits, Extracted, FoundMember, MemberData, StageTask

MIB = 1024 * 1024
TIGHT = DocumentLimits(ratio_from_bytes=8 * MIB)


@dataclass
class Unfolded:
    """What came out of a container."""

    result: Extracted
    text: str
    members: dict[str, bytes] = field(default_factory=dict)  # by path, of what is passed on
    found: list[FoundMember] = field(default_factory=list)

    @property
    def skipped(self) -> object:
        return self.result.metadata.get("skipped")


def unfolded(
    path: Path,
    *,
    limits: DocumentLimits | None = None,
    depth: int = 0,
    bytes_left: int | None = None,
) -> Unfolded:
    report = KeptReport()
    task = task_for(path, limits=limits).model_copy(
        update={"depth": depth, "bytes_left": bytes_left}
    )
    result = extract(task, report)
    data: dict[int, bytes] = {}
    unfolded = Unfolded(result, report.text())
    for told in report.members:
        match told:
            case MemberData(position, piece):
                data[position] = data.get(position, b"") + piece
            case FoundMember(skipped=None):
                unfolded.found.append(told)
                unfolded.members[told.path] = data[told.position]
            case _:
                del data[told.position]
    return unfolded


def big_task(path: Path) -> StageTask:
    """Return a task for a file that must not be read whole to make it."""
    size = path.stat().st_size
    return StageTask(
        stage=Stage.EXTRACT, filename=path.name, content_type=None, size_bytes=size,
        sha256="0" * 64, input=path,
    )  # fmt: skip


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_files_are_passed_on_byte_for_byte_under_safe_names(tmp_path: Path) -> None:
    files = {
        "a.txt": b"one",
        "../../etc/b.txt": b"two",
        "C:\\Windows\\c.txt": b"three",
        "/abs/d.txt": b"four",
        "folder/": b"",
        "e.exe": b"MZ",
    }

    inside = unfolded(written(tmp_path, "a.zip", zipped(files)))

    assert list(inside.members.values()) == [b"one", b"two", b"three", b"four"]
    assert [found.filename for found in inside.found] == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert inside.skipped == {"unsupported_type": 1}
    assert "../../etc/b.txt (3 bytes, text/plain)" in inside.text


def test_files_of_one_name_are_two_files(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", b"two")

    inside = unfolded(written(tmp_path, "a.zip", data.getvalue()))

    assert [found.position for found in inside.found] == [1, 2]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("tar", lambda data: data),
        ("tar.gz", gzip.compress),
        ("tgz", gzip.compress),
        ("tar.bz2", bz2.compress),
        ("tar.xz", lzma.compress),
        ("tar.xz", lambda data: lzma.compress(data[:700]) + lzma.compress(data[700:])),
        ("tar.zst", zstandard.compress),
    ],
)
def test_tars_are_read_whatever_they_are_packed_with(
    tmp_path: Path, suffix: str, pack: object
) -> None:
    assert callable(pack)
    data = tarred({"notes/a.txt": b"x" * 10_000, "b.md": b"# two"})

    inside = unfolded(written(tmp_path, f"bundle.{suffix}", pack(data)))

    assert inside.members == {"notes/a.txt": b"x" * 10_000, "b.md": b"# two"}
    assert inside.skipped == {"not_a_file": 1}


def test_a_file_compressed_alone_has_one_child(tmp_path: Path) -> None:
    inside = unfolded(written(tmp_path, "table.csv.gz", gzip.compress(b"a,b\n1,2\n")))

    assert inside.members == {"table.csv": b"a,b\n1,2\n"}


def test_attachments_are_passed_on(tmp_path: Path) -> None:
    sample = mail(tmp_path / "letter.eml", seed=1)

    inside = unfolded(sample.path)

    assert list(inside.members) == ["crates.csv"]
    assert "crates.csv (" in inside.text


def test_links_devices_and_locked_files_are_listed_with_their_reason(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("plain.txt", "words")
        archive.writestr("locked.txt", "secret")
    raw = bytearray(data.getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.rindex(signature) + offset] |= 1

    inside = unfolded(written(tmp_path, "a.zip", bytes(raw)))

    assert list(inside.members) == ["plain.txt"]
    assert inside.skipped == {"not_a_file": 1, "encrypted": 1}


def test_a_damaged_file_costs_only_itself(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"one" * 100, "b.txt": b"two" * 100}))
    data[40] ^= 0xFF

    inside = unfolded(written(tmp_path, "a.zip", bytes(data)))

    assert list(inside.members) == ["b.txt"]
    assert inside.skipped == {"damaged": 1}


def test_a_tar_that_is_cut_off_gives_what_comes_before(tmp_path: Path) -> None:
    data = gzip.compress(tarred({f"{n}.txt": bytes([65 + n]) * 5_000 for n in range(9)}))

    inside = unfolded(written(tmp_path, "a.tar.gz", data[: len(data) // 2]))

    assert inside.result.metadata["remark"] or inside.skipped


@pytest.mark.parametrize("data", [b"PK\x03\x04 and nothing more", b"PK\x03\x04" + bytes(99)])
def test_an_archive_without_a_directory_is_unreadable(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        unfolded(written(tmp_path, "a.zip", data))

    assert caught.value.reason is FailureReason.UNREADABLE_DOCUMENT


def test_an_empty_archive_has_no_children(tmp_path: Path) -> None:
    inside = unfolded(written(tmp_path, "a.zip", zipped({})))

    assert inside.result.metadata["members"] == 0


# Bombs: each in a state with a name, in little memory, without being inflated.


@pytest.fixture
def flat_memory() -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * MIB


def test_a_dense_file_is_not_inflated(tmp_path: Path) -> None:
    bomb = zipped({"a.txt": b"0" * (9 * MIB), "b.txt": b"words"})

    inside = unfolded(written(tmp_path, "a.zip", bomb), limits=TIGHT)

    assert list(inside.members) == ["b.txt"]
    assert inside.skipped == {"decompression_limit": 1}


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": b"0" * (3 * MIB)}))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)

    inside = unfolded(written(tmp_path, "a.zip", bytes(data)))

    assert inside.members == {}
    assert inside.skipped == {"damaged": 1}


def test_overlapping_files_are_a_bomb(tmp_path: Path) -> None:
    """One kernel of data that many entries of the directory point at."""
    name = b"a.txt"
    packed = zlib.compress(b"0" * MIB)[2:-4]
    crc = zlib.crc32(b"0" * MIB)
    sizes = struct.pack("<III", crc, len(packed), MIB)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + struct.pack("<HH", 5, 0)
    entry = (
        b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes
        + struct.pack("<HHHHHII", 5, 0, 0, 0, 0, 0, 0) + name
    )  # fmt: skip
    body = local + name + packed
    directory = entry * 1_000
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1000, 1000, len(directory), len(body), 0)

    inside = unfolded(written(tmp_path, "a.zip", body + directory + end))

    assert inside.members == {}
    assert inside.skipped == {"decompression_limit": 1_000}


@pytest.mark.usefixtures("flat_memory")
@pytest.mark.parametrize("claimed", [1, 65_535])
def test_a_million_entries_are_refused_by_the_end_record(tmp_path: Path, claimed: int) -> None:
    size = 46 * 1_000_000
    end = struct.pack("<HHHHIIH", 0, 0, claimed, claimed, size, 30, 0)
    path = tmp_path / "a.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        # A hole: what lies in it is not read.
        file.seek(size + 30)
        file.write(b"PK\x05\x06" + end)

    with pytest.raises(PermanentError) as caught:
        extract(big_task(path), KeptReport())

    assert caught.value.reason is FailureReason.DECOMPRESSION_LIMIT


def test_members_of_a_tar_beyond_the_list_are_counted(tmp_path: Path) -> None:
    header = tarfile.TarInfo("a.exe").tobuf()
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(12):
            file.write(header * 1_000)
        file.write(bytes(1024))

    inside = unfolded(path)

    assert inside.result.metadata["members"] > 10_000
    assert inside.text.count("a.exe") <= 10_000


@pytest.mark.usefixtures("flat_memory")
def test_a_gzip_bomb_ends_at_its_limit(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt.gz", gzip.compress(b"0" * (20 * MIB)))

    inside = unfolded(path, limits=TIGHT)

    assert inside.members == {}
    assert inside.skipped == {"decompression_limit": 1}


def test_a_tar_that_unfolds_into_too_much_ends_at_its_limit(tmp_path: Path) -> None:
    big = tarfile.TarInfo("big.exe")
    big.size = 1 << 40
    path = written(tmp_path, "a.tar.gz", gzip.compress(big.tobuf() + bytes(20 * MIB)))

    inside = unfolded(path, limits=TIGHT)

    assert inside.members == {}
    assert inside.skipped == {"too_large": 1}
    assert "unfolds into more than is allowed" in inside.text


def test_a_sparse_file_is_not_filled_with_zeros(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.txt")
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a.txt",
        "GNU.sparse.realsize": str(1 << 60),
    }
    content = b"0\n".ljust(512, b"\0")
    info.size = len(content)
    data = info.tobuf(tarfile.PAX_FORMAT) + content + bytes(1024)

    inside = unfolded(written(tmp_path, "a.tar", data))

    assert inside.skipped == {"not_a_file": 1}


def test_a_header_of_megabytes_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.txt")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 * MIB
    data = tarred({"first.txt": b"words"})[:1024] + info.tobuf(tarfile.GNU_FORMAT)

    inside = unfolded(written(tmp_path, "a.tar", data + b"a" * (3 * MIB)))

    assert list(inside.members) == ["first.txt"]
    assert "The rest can not be read" in inside.text


def test_a_tar_that_leads_backwards_ends(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a.txt")
    info.pax_headers = {"size": "-512"}
    data = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)

    inside = unfolded(written(tmp_path, "a.tar", data))

    assert inside.members == {}


def test_a_window_of_gigabytes_is_refused(tmp_path: Path) -> None:
    frame = b"\x28\xb5\x2f\xfd\x00\xa0" + b"\x29\x00\x00words"

    with pytest.raises(PermanentError) as caught:
        unfolded(written(tmp_path, "a.txt.zst", frame))

    assert caught.value.reason is FailureReason.UNREADABLE_DOCUMENT


def test_beyond_its_depth_a_container_is_only_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.zip", zipped({"b.zip": zipped({"c.txt": b"words"})}))

    inside = unfolded(path, depth=5)

    assert inside.skipped == {SkipReason.TOO_DEEP.value: 1}


def test_members_and_bytes_are_counted_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a.zip", zipped({f"{n}.txt": b"x" * 1_000 for n in range(10)}))

    few = unfolded(path, limits=DocumentLimits(max_members=3))
    little = unfolded(path, bytes_left=4_500)

    assert (len(few.members), few.skipped) == (3, {"too_many": 7})
    assert (len(little.members), little.skipped) == (4, {"decompression_limit": 6})
