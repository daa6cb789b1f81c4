"""Mail is read as leniently as people's programs read it, and hostile mail costs little."""

from email import message_from_bytes
from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.errors import FailureReason, PermanentError
from docyard_stack.samples import outlook
from docyard_stack.samples.letters import forwarded_mail, mail
from processor.extraction.eml import read_letter
from processor.extraction.letters import Attachment, Letter
from processor.extraction.mail_writing import write_mail
from processor.stages.extract import extract
from processor.stages.task import Extracted

HEAD = b"From: a@quay.example\nTo: b@quay.example\nSubject: Crates\nMIME-Version: 1.0\n"


def read(path: Path) -> tuple[Extracted, str]:
    report = KeptReport()
    return extract(task_for(path), report), report.text()


def read_mail(folder: Path, data: bytes) -> tuple[Extracted, str]:
    path = folder / "letter.eml"
    path.write_bytes(data)
    return read(path)


def test_the_head_is_text_and_metadata(tmp_path: Path) -> None:
    sample = mail(tmp_path / "letter.eml", seed=1)

    result, text = read(sample.path)

    assert text.startswith("Subject: Ankünft")
    assert result.metadata["from"] == "Ada Brandt <ada@quay.example>"
    assert result.metadata["date"] == "2026-03-03T10:15:00+01:00"
    assert result.metadata["attachments"] == ["crates.csv"]


def test_two_tellings_of_the_same_are_read_once(tmp_path: Path) -> None:
    sample = mail(tmp_path / "letter.eml", seed=1)

    _, text = read(sample.path)

    assert text.count(sample.words[0]) == 1


def test_html_that_says_more_is_read_too(tmp_path: Path) -> None:
    body = (
        b'Content-Type: multipart/alternative; boundary="x"\n\n--x\nContent-Type: text/plain\n\n'
        b"See the page: http://quay.example/token\n--x\nContent-Type: text/html\n\n"
        b"<script>no()</script><h1>Oak planks</h1><p>arrived <b>at noon</b></p>\n--x--\n"
    )

    _, text = read_mail(tmp_path, HEAD + body)

    assert "http://quay.example/token" in text
    assert "arrived at noon" in text
    assert "no()" not in text


def test_a_mail_inside_is_read_and_listed(tmp_path: Path) -> None:
    sample = forwarded_mail(tmp_path / "forwarded.eml", seed=2)

    result, text = read(sample.path)

    assert sample.words[1] in text
    assert result.metadata["attachments"] == ["message-1.eml"]


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ("text/plain; charset=no-such-charset", "Käse".encode(), "Käse"),
        ("text/plain; charset=utf-8", "Käse und Brot".encode("cp1252"), "Käse und Brot"),
        ("text/plain; charset=hex", b"plain words", "plain words"),
        ("text/plain; charset*=utf-8''%ff%fe; charset=utf-8", b"plain words", "plain words"),
        ("multipart/mixed", b"words without a boundary", "words without a boundary"),
        ("multipart/mixed; boundary=x", b"--x\n\nnever closed", "never closed"),
        ("text/plain\nContent-Transfer-Encoding: base64", b"d29yZHM=!!junk", "words"),
        ("text/plain\nContent-Transfer-Encoding: x-uuencode", b"begin 666 \n junk", "junk"),
        ("nonsense", b"words of no type", "words of no type"),
    ],
)
def test_what_is_malformed_is_read_as_well_as_it_can_be(
    tmp_path: Path, headers: str, body: bytes, expected: str
) -> None:
    data = HEAD + f"Content-Type: {headers}\n\n".encode() + body

    _, text = read_mail(tmp_path, data)

    assert expected in text


@pytest.mark.parametrize(
    "line",
    [
        b"Subject: =?utf-8?b?broken",
        b"Subject: =?utf-8?b?A?=",
        b"Subject: =?no-such?q?words?=",
        b"Subject: caf\xe9",
        b"Subject: =?\xe9?q?x?=",
        b"Subject: =?a\x00b?q?x?=",
        b"From: <<<@@@>>>, =?",
        b"Date: Tue, 99 Foo 99999 99:99:99 +9999",
        b"Message-ID: <[>",
        b"Content-Disposition: attachment; filename*=x''%zz",
        b"Content-Type: text/plain; charset*0*=bad",
    ],
)
def test_odd_headers_stop_nothing(tmp_path: Path, line: bytes) -> None:
    _, text = read_mail(tmp_path, line + b"\n" + HEAD + b"\nthe body of it\n")

    assert "b@quay.example" in text


def test_a_name_beyond_ascii_stays_with_what_is_attached(tmp_path: Path) -> None:
    part = (
        b"Content-Type: application/octet-stream\n"
        b"Content-Disposition: attachment; filename*=utf-8''B%C3%BCro.csv\n\na,b\n"
    )

    result, _ = read_mail(tmp_path, HEAD + part)

    assert result.metadata["attachments"] == ["Büro.csv"]


def test_a_letter_that_is_written_keeps_the_names_of_what_is_attached() -> None:
    attached = Attachment("Büro 東京.csv", "application/octet-stream", b"a,b\n")

    written = write_mail(Letter(attachments=[attached]))

    assert read_letter(message_from_bytes(written)).attachments == [attached]


def wrapped(second: bytes) -> bytes:
    """Plain text, and HTML together with its pictures, as Thunderbird and Apple Mail write them."""
    return HEAD + (
        b"Content-Type: multipart/alternative; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\nThe crates arrived\n"
        b"--x\nContent-Type: multipart/related; boundary=y\n\n" + second + b"--x--\n"
    )


def test_html_that_comes_with_its_pictures_is_no_second_text(tmp_path: Path) -> None:
    result, text = read_mail(
        tmp_path,
        wrapped(
            b"--y\nContent-Type: text/html\n\n<p>The <b>crates</b> arrived</p><img src=cid:1>\n"
            b"--y\nContent-Type: image/png; name=oak.png\n\nno picture\n--y--\n"
        ),
    )

    assert text.count("crates") == 1
    assert result.metadata["attachments"] == ["oak.png"]


def test_what_comes_with_a_text_and_is_no_html_is_read_by_itself(tmp_path: Path) -> None:
    _, text = read_mail(tmp_path, wrapped(b"words without a boundary\n"))

    assert "The crates arrived" in text
    assert "words without a boundary" in text


def test_ten_thousand_parts_are_read(tmp_path: Path) -> None:
    part = b"--x\nContent-Type: text/plain\n\nword\n"
    data = HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + part * 12_000 + b"--x--\n"

    _, text = read_mail(tmp_path, data)

    assert 9_000 < text.count("word") <= 10_000


def test_nesting_beyond_reason_still_shows_the_text(tmp_path: Path) -> None:
    levels = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000)
    )

    _, text = read_mail(tmp_path, HEAD + levels + b"\nthe innermost word\n")

    assert "the innermost word" in text


def test_what_is_attached_to_a_mail_inside_is_left_to_it(tmp_path: Path) -> None:
    levels = b"".join(
        b"Subject: level %d\nContent-Type: message/rfc822\n\n" % n for n in range(1, 40)
    )
    innermost = b"Content-Type: application/octet-stream; name=quay.bin\n\nbytes\n"

    result, text = read_mail(
        tmp_path, HEAD + b"Content-Type: message/rfc822\n\n" + levels + innermost
    )

    assert result.metadata["attachments"] == ["message-1.eml"]
    assert "level 39" in text


def test_a_header_of_megabytes_is_cut(tmp_path: Path) -> None:
    crowd = b"To: " + b",\n ".join(b"<someone%d@quay.example>" % n for n in range(100_000)) + b"\n"

    result, text = read_mail(tmp_path, crowd + HEAD + b"\nthe body\n")

    assert "the body" in text
    assert len(text) < 5_000
    assert len(result.metadata["to"]) <= 1_000


def test_outlook_messages_are_read_with_what_is_attached(tmp_path: Path) -> None:
    sample = outlook.message(tmp_path / "message.msg", seed=3)

    result, text = read(sample.path)

    assert all(word in text for word in sample.words)
    assert result.metadata["from"] == "Ada Brandt <ada@quay.example>"
    assert result.metadata["attachments"][0] == "note.txt"
    assert result.metadata["attachments"][1].startswith("Inner ")


@pytest.mark.parametrize("keep", [8, 600, 3_000])
def test_a_damaged_outlook_message_is_unreadable(tmp_path: Path, keep: int) -> None:
    sample = outlook.message(tmp_path / "message.msg", seed=3)
    sample.path.write_bytes(sample.path.read_bytes()[:keep])

    with pytest.raises(PermanentError) as caught:
        read(sample.path)

    assert caught.value.reason is FailureReason.UNREADABLE_DOCUMENT


def test_another_office_file_is_no_outlook_message(tmp_path: Path) -> None:
    path = tmp_path / "table.msg"
    path.write_bytes(outlook.compound_file(outlook.Storage({"Workbook": b"x" * 5_000})))

    with pytest.raises(PermanentError) as caught:
        read(path)

    assert caught.value.reason is FailureReason.TYPE_MISMATCH
