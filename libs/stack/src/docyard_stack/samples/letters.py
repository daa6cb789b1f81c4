"""Samples of mail: what programs send, with two tellings, odd encodings and attachments."""

from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path
from typing import Final

from docyard_stack.samples import prose
from docyard_stack.samples.model import Sample

EML: Final = "message/rfc822"
_BOUNDARY: Final = "=_of_the_harbour"


def mail(path: Path, *, seed: int = 0) -> Sample:
    """Write a mail that says the same in Latin-1 text and HTML, with a table attached."""
    mark, title = prose.mark(seed, 1), prose.mark(seed, 2)
    text = f"{prose.paragraph(seed, mentioning=mark)}\nGr\u00fc\u00dfe vom Kai"
    message = _envelope(f"Ank\u00fcnft {title}", "mixed")
    both = MIMEMultipart("alternative", boundary=f"{_BOUNDARY}_2")
    both.attach(MIMEText(text, "plain", "iso-8859-1"))
    both.attach(MIMEText(f"<p>{text}</p><script>neverrun()</script>", "html", "utf-8"))
    message.attach(both)
    message.attach(_attached("crates.csv", f"crate,goods\nA-1,{prose.mark(seed, 3)}\n".encode()))
    path.write_bytes(message.as_bytes())
    return Sample(path, EML, words=(mark, title, "Gr\u00fc\u00dfe"), language="en")


def forwarded_mail(path: Path, *, seed: int = 0) -> Sample:
    """Write a mail that has another one inside."""
    marks = tuple(prose.mark(seed, number) for number in (1, 2))
    inner = MIMEText(prose.paragraph(seed, mentioning=marks[1]), "plain", "utf-8")
    inner["Subject"] = "The first letter"
    message = _envelope("Fwd: the first letter", "mixed")
    message.attach(MIMEText(prose.paragraph(seed + 1, mentioning=marks[0]), "plain", "utf-8"))
    message.attach(MIMEMessage(inner))
    path.write_bytes(message.as_bytes())
    return Sample(path, EML, words=marks, language="en")


def _envelope(subject: str, kind: str) -> MIMEMultipart:
    message = MIMEMultipart(kind, boundary=_BOUNDARY)
    message["Subject"] = Header(subject, "utf-8").encode()
    message["From"] = "Ada Brandt <ada@quay.example>"
    message["To"] = "Office <office@quay.example>"
    message["Date"] = "Tue, 3 Mar 2026 10:15:00 +0100"
    message["Message-ID"] = "<letter@quay.example>"
    return message


def _attached(name: str, data: bytes) -> MIMEApplication:
    part = MIMEApplication(data)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part
