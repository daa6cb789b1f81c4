"""Mail is read to its last part, whatever stands before, between and around its headers."""

import base64
import quopri
from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from processor.stages.extract import extract
from processor.stages.task import Extracted

HEAD = b"From: a@quay.example\nTo: b@quay.example\nSubject: Crates\nMIME-Version: 1.0\n"
PARTS = (
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\n"
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    b"K=C3=A4se\n--x\nContent-Type: text/csv; name=crates.csv\n\na,b\n--x--\n"
)


def read(folder: Path, data: bytes) -> tuple[Extracted, str]:
    path = folder / "letter.eml"
    path.write_bytes(data)
    report = KeptReport()
    return extract(task_for(path), report), report.text()


@pytest.mark.parametrize(
    "before",
    [
        b"\n",
        b"\r\n \r\n",
        b"\xef\xbb\xbf",
        b">From a@quay.example Tue Mar  3 10:15:00 2026\n",
        b"From a@quay.example Tue Mar  3 10:15:00 2026\n",
        b"\xef\xbb\xbf\nFrom a@quay.example\n>From b@quay.example\n",
        b"a line of a proxy\n",
        b"X-Spam-Report: yes\n* 1.0 FOO a rule\n* 2.0 BAR: another\nList-Id: <quay>\n",
        b"X-Long: " + b"word " * 50_000 + b"\n",
    ],
)
def test_what_is_odd_before_a_header_costs_no_part(tmp_path: Path, before: bytes) -> None:
    result, text = read(tmp_path, before + HEAD + PARTS)

    assert text.startswith("Subject: Crates\n")
    assert "Käse" in text
    assert result.metadata["attachments"] == ["crates.csv"]


def test_a_header_behind_odd_lines_is_kept(tmp_path: Path) -> None:
    result, _ = read(tmp_path, b"X-Report: yes\n* 1.0 FOO\nList-Id: <quay>\n" + HEAD + PARTS)

    assert result.metadata["list_id"] == "<quay>"


@pytest.mark.parametrize("body", [b"The crates arrived", b"The crates arrived\nat: noon\n\nyes"])
def test_a_body_that_no_empty_line_precedes_is_read(tmp_path: Path, body: bytes) -> None:
    result, text = read(tmp_path, HEAD + body)

    assert result.metadata["subject"] == "Crates"
    assert body.decode() in text


def forwarded(encoding: bytes, inner: bytes) -> bytes:
    return (
        HEAD
        + b"Content-Type: message/rfc822\nContent-Transfer-Encoding: "
        + encoding
        + b"\n\n"
        + inner
    )


@pytest.mark.parametrize(
    ("encoding", "inner"),
    [
        (b"base64", base64.encodebytes(HEAD + PARTS)),
        (b"quoted-printable", quopri.encodestring(HEAD + PARTS)),
        (b"quoted-printable", HEAD + PARTS),
        (b"base64", HEAD + PARTS),
    ],
)
def test_a_forwarded_mail_is_read_however_it_is_encoded(
    tmp_path: Path, encoding: bytes, inner: bytes
) -> None:
    path = tmp_path / "letter.eml"
    path.write_bytes(forwarded(encoding, inner))
    report = KeptReport()

    result = extract(task_for(path), report)

    assert "Käse" in report.text()
    assert "=C3=A4" not in report.text()
    assert result.metadata["attachments"] == ["message-1.eml"]


def test_a_forwarded_mail_in_base64_is_there_as_it_was_sent_too(tmp_path: Path) -> None:
    _, text = read(tmp_path, forwarded(b"base64", base64.encodebytes(HEAD + PARTS)))

    assert base64.b64encode(HEAD)[:40].decode() in text


def test_mails_inside_each_other_are_all_decoded(tmp_path: Path) -> None:
    inner = HEAD + b"\nthe innermost word\n"
    for _ in range(5):
        inner = forwarded(b"base64", base64.encodebytes(inner))

    _, text = read(tmp_path, inner)

    assert "the innermost word" in text
