"""A file is taken when its name, its declared type and its bytes agree."""

import io
import os
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.media_types import MediaType, sniff

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
ZIP = b"PK\x03\x04\x14\x00\x00\x08"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def zipped(*names: str, content: str = "") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as container:
        for name in names:
            container.writestr(name, content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("head", "filename", "declared", "expected"),
    [
        (b"%PDF-1.7\n", "a.pdf", "application/pdf", MediaType.PDF),
        (b"\x00" * 100 + b"%PDF-1.4\n", "a.PDF", None, MediaType.PDF),
        (b"%\xe2\xe3\xcf\xd3\n1 0 obj \n<<", "headless.pdf", None, MediaType.PDF),
        (b"%PDF-1.7\n", "no-extension", None, MediaType.PDF),
        (b"BMW to make hybrids", "testBMPfp.txt", "text/plain", MediaType.TEXT),
        (b"BZhang wrote this", "a.txt", None, MediaType.TEXT),
        ("ärger".encode("utf-16"), "a.txt", "text/plain; charset=utf-16", MediaType.TEXT),
        ("a,b\n1,2\n".encode("utf-16"), "a.csv", "application/vnd.ms-excel", MediaType.CSV),
        (b"\x00T\x00h\x00i\x00s", "a.txt", None, MediaType.TEXT),
        ("<html>".encode("utf-16"), "a.htm", "application/xhtml+xml", MediaType.HTML),
        (b"<!DOCTYPE html><p>hi", "page", None, MediaType.HTML),
        (b"a\tb\n", "a.tsv", "text/csv", MediaType.TSV),
        (b"# Title\n", "README.md", "text/x-markdown", MediaType.MARKDOWN),
        (b"just words", "README", "text/markdown", MediaType.MARKDOWN),
        (b'{"a":1}', "a.json", "text/plain", MediaType.JSON),
        (b"12:00 up\n\x0012:01 down\n" * 9, "torn.txt", None, MediaType.TEXT),
        (b"1,\x00\n", "a.csv", None, MediaType.CSV),
        (b'{"a":1}\n{"a":2}', "a.jsonl", "application/json", MediaType.NDJSON),
        (ZIP, "archive", None, MediaType.ZIP),
        (ZIP, "a.zip", "application/x-zip-compressed", MediaType.ZIP),
        (b"\x1f\x8b\x08", "a.tar.gz", "application/x-gzip", MediaType.GZIP),
        (b"\x1f\x8b\x08", "a.tgz", "application/x-compressed-tar", MediaType.GZIP),
        (b"From: a@b.c\nTo: d@e.f\n\nhi", "letter", None, MediaType.EML),
        (b"To: d@e.f\n\nhi", "letter.eml", "message/rfc822", MediaType.EML),
        (PNG, "a.png", "application/octet-stream", MediaType.PNG),
        (JPEG, "a.jpeg", "image/jpg", MediaType.JPEG),
        (JPEG, "..\\folder.d\\photo", "", MediaType.JPEG),
        (ZIP, "a.docx", None, MediaType.DOCX),
        (OLE, "locked.docx", None, MediaType.DOCX),
        (zipped("word/document.xml"), "a.docm", "application/zip", MediaType.DOCX),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "table", None, MediaType.XLSX),
        (zipped("[Content_Types].xml", "ppt\\presentation.xml"), "talk", None, MediaType.PPTX),
        (zipped("mimetype", content="application/epub+zip"), "book", None, MediaType.EPUB),
        (zipped("mimetype", content=f"{MediaType.ODT}-template"), "a.ott", None, MediaType.ODT),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a.webp", None, MediaType.WEBP),
        (b"GIF89a\x01\x00", "a.gif", "image/gif", MediaType.GIF),
        (b"MM\x00*\x00\x00", "a.tif", "image/tiff", MediaType.TIFF),
        (b"{\\rtf1\\ansi", "a.rtf", "text/rtf", MediaType.RTF),
        (b"<?xml version='1.0'?><a/>", "feed", None, MediaType.XML),
        (b"<a/>", "a.xml", "text/xml", MediaType.XML),
    ],
)
def test_agreeing_name_and_content_are_taken(
    head: bytes, filename: str, declared: str | None, expected: MediaType
) -> None:
    assert sniff(head, filename, declared) is expected


@pytest.mark.parametrize(
    ("head", "filename", "declared", "reason"),
    [
        (b"", "a.pdf", None, FailureReason.EMPTY_FILE),
        (b"", "a.exe", None, FailureReason.EMPTY_FILE),
        (OLE, "a.doc", None, FailureReason.UNSUPPORTED_TYPE),
        (OLE, "letter", None, FailureReason.UNSUPPORTED_TYPE),
        (zipped("word/document.xml"), "a.xlsx", None, FailureReason.TYPE_MISMATCH),
        (zipped("word/document.xml"), "a.docx", "image/png", FailureReason.TYPE_MISMATCH),
        (PNG, "a.docx", None, FailureReason.TYPE_MISMATCH),
        (zipped("mimetype", content=MediaType.ODT), "a.ods", None, FailureReason.TYPE_MISMATCH),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "a.webp", None, FailureReason.TYPE_MISMATCH),
        (b"BMW to make hybrids", "a.bmp", None, FailureReason.TYPE_MISMATCH),
        (b"%PDF-1.7", "a.exe", None, FailureReason.UNSUPPORTED_TYPE),
        (b"7z\xbc\xaf\x27\x1c", "archive", None, FailureReason.UNSUPPORTED_TYPE),
        (b"just words", "a.tar", None, FailureReason.TYPE_MISMATCH),
        (b"just words", "a.zip", None, FailureReason.TYPE_MISMATCH),
        (b"just words", "a.eml", None, FailureReason.TYPE_MISMATCH),
        (b"\x01\x02\x00\x03" * 9, "blob", None, FailureReason.UNSUPPORTED_TYPE),
        (b"<html>404", "a.pdf", None, FailureReason.TYPE_MISMATCH),
        (PNG, "a.pdf", None, FailureReason.TYPE_MISMATCH),
        (PNG, "a.jpg", None, FailureReason.TYPE_MISMATCH),
        (b"%PDF-1.7", "a.txt", None, FailureReason.TYPE_MISMATCH),
        (ZIP, "a.csv", None, FailureReason.TYPE_MISMATCH),
        (b"{\\rtf1\\ansi", "a.txt", None, FailureReason.TYPE_MISMATCH),
        (b"words \x00\x00 words", "a.txt", None, FailureReason.TYPE_MISMATCH),
        (b"\x00", "a.txt", None, FailureReason.TYPE_MISMATCH),
        (b"words \x00 words", "words", None, FailureReason.UNSUPPORTED_TYPE),
        (b"words", "a.txt", "application/pdf", FailureReason.TYPE_MISMATCH),
        (b"%PDF-1.7", "a.pdf", "image/png", FailureReason.TYPE_MISMATCH),
    ],
)
def test_disagreement_is_refused_with_its_reason(
    head: bytes, filename: str, declared: str | None, reason: FailureReason
) -> None:
    with pytest.raises(PermanentError) as refused:
        sniff(head, filename, declared)

    assert refused.value.reason is reason


def test_random_bytes_are_no_text() -> None:
    with pytest.raises(PermanentError):
        sniff(os.urandom(8192), "a.txt", None)


@given(st.binary(max_size=300), st.text(max_size=20), st.none() | st.text(max_size=20))
def test_anything_is_either_known_or_refused(head: bytes, name: str, declared: str | None) -> None:
    try:
        kind = sniff(head, name, declared)
    except PermanentError as refused:
        assert refused.reason in {  # noqa: PT017 - either outcome is right
            FailureReason.EMPTY_FILE,
            FailureReason.UNSUPPORTED_TYPE,
            FailureReason.TYPE_MISMATCH,
        }
    else:
        assert kind in MediaType
