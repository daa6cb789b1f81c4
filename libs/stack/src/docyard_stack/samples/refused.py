"""Samples that no upload may get in: nothing of them is ever stored."""

from pathlib import Path

from docyard_common.errors import FailureReason
from docyard_stack.samples import pdfs, texts
from docyard_stack.samples.model import Outcome, Sample


def empty(path: Path) -> Sample:
    """Write a file of no bytes."""
    path.write_bytes(b"")
    return _refused(path, "text/plain", FailureReason.EMPTY_FILE)


def pdf_named_otherwise(path: Path) -> Sample:
    """Write a PDF under a name that promises a picture."""
    pdfs.pdf(path, pages=1)
    return _refused(path, pdfs.PDF, FailureReason.TYPE_MISMATCH)


def pdf_declared_otherwise(path: Path) -> Sample:
    """Write a PDF that its uploader declares to be a picture."""
    pdfs.pdf(path, pages=1)
    return _refused(path, pdfs.PDF, FailureReason.TYPE_MISMATCH, declared_type="image/png")


def text_named_picture(path: Path) -> Sample:
    """Write text under the name of a picture format."""
    texts.plain(path)
    return _refused(path, "text/plain", FailureReason.TYPE_MISMATCH)


def program(path: Path) -> Sample:
    """Write the head of an executable."""
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(505))
    return _refused(path, "application/x-executable", FailureReason.UNSUPPORTED_TYPE)


def archive(path: Path) -> Sample:
    """Write the head of an archive of a format that is not read."""
    path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(100))
    return _refused(path, "application/x-7z-compressed", FailureReason.UNSUPPORTED_TYPE)


def _refused(
    path: Path, media_type: str, reason: FailureReason, *, declared_type: str | None = None
) -> Sample:
    return Sample(path, media_type, Outcome.REFUSED, reason, declared_type=declared_type)
