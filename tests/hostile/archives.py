"""Archives that unfold into too much, nest, or climb out of their place."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Final, Protocol

import zstandard
from tests.hostile.model import BOMB_MIB, COMPLETED, MIB, TOO_MUCH, UNREADABLE, Hostile

_ZEROS: Final = bytes(MIB)
CLIMBED: Final = "docyard-climbed.txt"
"""The name of a file that nobody may find in the folder of temporary files."""


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def zipped(parts: Mapping[str, bytes], *, swollen: str = "", mib: int = BOMB_MIB) -> bytes:
    """Return a ZIP of *parts*; the one named *swollen* has *mib* mebibytes of blanks at its end."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as file:
                file.write(content)
                for _ in range(mib if name == swollen else 0):
                    file.write(b" " * MIB)
    return data.getvalue()


def packed(compressor: Compressor) -> bytes:
    """Return 256 mebibytes of zeros, as *compressor* packs them."""
    return b"".join([*(compressor.compress(_ZEROS) for _ in range(BOMB_MIB)), compressor.flush()])


def gzip_bomb() -> bytes:
    data = io.BytesIO()
    with gzip.GzipFile(fileobj=data, mode="wb", compresslevel=6, mtime=0) as file:
        for _ in range(BOMB_MIB):
            file.write(_ZEROS)
    return data.getvalue()


def nested_zip(depth: int) -> bytes:
    data = zipped({"innermost.txt": b"the end"})
    for level in range(depth):
        data = zipped({f"level-{level}.zip": data})
    return data


def climbing_zip() -> bytes:
    names = ("../../../../tmp/docyard-climbed.txt", "/tmp/docyard-climbed.txt", "a/../../b.txt")
    return zipped({name: b"climbed " + name.encode() for name in names})


def climbing_tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        link = tarfile.TarInfo("door")
        link.type, link.linkname = tarfile.SYMTYPE, "/tmp"
        archive.addfile(link)
        for name in ("../../tmp/docyard-climbed.txt", "door/docyard-climbed.txt"):
            member = tarfile.TarInfo(name)
            member.size = 7
            archive.addfile(member, io.BytesIO(b"climbed"))
    return data.getvalue()


def many_members() -> bytes:
    """Return an archive of more files than may come out of one upload."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.exe"), b"")
    return data.getvalue()


ARCHIVES: Final = (
    Hostile("bomb.zip", lambda: zipped({"a.txt": b""}, swollen="a.txt"), (COMPLETED, TOO_MUCH)),
    Hostile("bomb.txt.gz", gzip_bomb, (COMPLETED, TOO_MUCH)),
    Hostile("bomb.txt.bz2", lambda: packed(bz2.BZ2Compressor()), (COMPLETED, TOO_MUCH)),
    Hostile("bomb.txt.xz", lambda: packed(lzma.LZMACompressor(preset=0)), (COMPLETED, TOO_MUCH)),
    Hostile(
        "bomb.txt.zst",
        lambda: packed(zstandard.ZstdCompressor().compressobj()),
        (COMPLETED, TOO_MUCH),
    ),
    Hostile("bomb.tar.gz", gzip_bomb, (COMPLETED, TOO_MUCH, UNREADABLE)),
    Hostile("nested.zip", lambda: nested_zip(40), (COMPLETED,)),
    Hostile("climbing.zip", climbing_zip, (COMPLETED,)),
    Hostile("climbing.tar", climbing_tar, (COMPLETED,)),
    Hostile("many.zip", many_members, (COMPLETED, TOO_MUCH)),
)
