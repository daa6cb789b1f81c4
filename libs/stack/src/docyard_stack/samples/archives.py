"""Samples of archives: files of several kinds, archives in archives, names that nobody trusts."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import zstandard

from docyard_stack.samples import prose
from docyard_stack.samples.model import Sample

_PACKED: Final[Mapping[str, tuple[str, Callable[[bytes], bytes]]]] = {
    ".gz": ("application/gzip", lambda data: gzip.compress(data, mtime=0)),
    ".bz2": ("application/x-bzip2", bz2.compress),
    ".xz": ("application/x-xz", lzma.compress),
    ".zst": ("application/zstd", zstandard.compress),
    ".tar": ("application/x-tar", lambda data: data),
}


def zip_archive(path: Path, *, seed: int = 0) -> Sample:
    """Write two texts, a picture's name with text in it, a program, and an archive inside."""
    marks = tuple(prose.mark(seed, number) for number in range(1, 5))
    inner = zipped({f"deep/{marks[3]}.txt": f"A note of {marks[3]}.".encode()})
    path.write_bytes(
        zipped(
            {
                f"notes/{marks[0]}.txt": prose.paragraph(seed).encode(),
                f"..\\{marks[1]}.md": f"# A note of {marks[1]}".encode(),
                "picture.png": b"no picture at all",
                "program.exe": b"MZ",
                f"{marks[2]}.zip": inner,
            }
        )
    )
    return Sample(path, "application/zip", words=marks[:3])


def tar_archive(path: Path, *, seed: int = 0) -> Sample:
    """Write texts and a link out of the archive; packed as the suffix of *path* says."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2))
    data = tarred({f"notes/{mark}.txt": prose.paragraph(seed).encode() for mark in marks})
    media_type, pack = _PACKED[path.suffix]
    path.write_bytes(pack(data))
    return Sample(path, media_type, words=marks)


def packed_text(path: Path, *, seed: int = 0) -> Sample:
    """Write one text, compressed alone."""
    path.write_bytes(gzip.compress(prose.paragraph(seed).encode(), mtime=0))
    return Sample(path, "application/gzip", words=(path.stem,))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive of *files*."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return data.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """Return a TAR archive of *files*, and of a link that leads out of it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return data.getvalue()
