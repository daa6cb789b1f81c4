"""A file that is refused is closed, whoever still holds the error that says so."""

import zipfile
from pathlib import Path

import psutil
import pytest

from docyard_common.errors import PermanentError
from docyard_common.media_types import MediaType
from processor.extraction.document import Source
from processor.extraction.identity import require_identity
from processor.extraction.registry import EXTRACTORS
from processor.stages.task import DocumentLimits

_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="main.xml" Type="http://schemas.openxmlformats.org/'
    'officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
_ENCRYPTED_ODF = (
    '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><file-entry>'
    "<encryption-data/></file-entry></manifest>"
)
_PROTECTED_EPUB = "<encryption><EncryptionMethod Algorithm='drm'/></encryption>"
_NO_SLIDE = "<presentation><sldId/></presentation>"
_NO_CHAPTERS = '<container><rootfile full-path="book.opf"/></container>'

REFUSED = [
    (MediaType.DOCX, {}),
    (MediaType.PPTX, {}),
    (MediaType.PPTX, {"_rels/.rels": _RELATIONS, "main.xml": _NO_SLIDE}),
    (MediaType.XLSX, {}),
    (MediaType.XLSX, {"_rels/.rels": _RELATIONS, "main.xml": "<broken"}),
    (MediaType.ODT, {"META-INF/manifest.xml": _ENCRYPTED_ODF}),
    (MediaType.ODS, {"META-INF/manifest.xml": _ENCRYPTED_ODF}),
    (MediaType.EPUB, {}),
    (MediaType.EPUB, {"META-INF/encryption.xml": _PROTECTED_EPUB}),
    (MediaType.EPUB, {"META-INF/container.xml": _NO_CHAPTERS, "book.opf": "<package/>"}),
]
DAMAGED = [
    MediaType.PDF, MediaType.PNG, MediaType.TIFF, MediaType.MSG, MediaType.ZIP, MediaType.TAR,
    MediaType.GZIP, MediaType.XZ, MediaType.ZSTD, MediaType.RTF, MediaType.XML, MediaType.JSON,
]  # fmt: skip


def still_open(path: Path) -> list[str]:
    return [file.path for file in psutil.Process().open_files() if file.path == str(path)]


def source(path: Path, kind: MediaType) -> Source:
    return Source(path, path.name, kind, DocumentLimits())


@pytest.mark.parametrize(("kind", "members"), REFUSED)
def test_a_package_that_is_refused_is_closed(
    kind: MediaType, members: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "refused"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {"mimetype": "x", **members}.items():
            archive.writestr(name, text)

    with pytest.raises(PermanentError) as refused:
        EXTRACTORS[kind](source(path, kind)).close()

    assert refused.value  # it holds the frames of the opener, and so what these hold
    assert still_open(path) == []


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_file_that_can_not_be_opened_is_closed(kind: MediaType, tmp_path: Path) -> None:
    path = tmp_path / "refused"
    path.write_bytes(b"\x00nothing that any reader knows" * 40)
    error: Exception | None = None

    try:
        document = EXTRACTORS[kind](source(path, kind))
    except PermanentError as refused:
        error = refused
    else:
        document.close()

    assert still_open(path) == [], error


@pytest.mark.parametrize("kind", [MediaType.DOCX, MediaType.ODT, MediaType.EPUB, MediaType.ZIP])
def test_a_file_that_is_not_what_it_claims_is_closed(kind: MediaType, tmp_path: Path) -> None:
    path = tmp_path / "refused"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<broken")
    error: Exception | None = None

    try:
        require_identity(path, kind)
    except PermanentError as refused:
        error = refused

    assert still_open(path) == [], error
