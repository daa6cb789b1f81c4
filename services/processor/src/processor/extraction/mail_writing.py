"""Writes a letter as mail, so that a message inside a message is a file like any other."""

from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Final

from processor.extraction.letters import Letter, Text

_BOUNDARY: Final = "=_parts_of_the_message"
"""Fixed, so that the same letter gives the same bytes; all parts are base64, which has no "_"."""


def write_mail(letter: Letter) -> bytes:
    """Return *letter* as a MIME message; the same letter gives the same bytes every time."""
    message = MIMEMultipart("mixed", boundary=_BOUNDARY)
    for name, value in (
        ("Subject", letter.subject),
        ("From", letter.sender),
        ("To", letter.to),
        ("Cc", letter.cc),
        ("Bcc", letter.bcc),
        ("Date", letter.date),
    ):
        if value:
            message[name] = Header(value, "utf-8").encode()
    for number, text in enumerate(letter.texts):
        message.attach(_telling(text, number))
    for attached in letter.attachments:
        part = MIMEApplication(attached.data)
        part.set_type(attached.media_type if "/" in attached.media_type else "application/x-file")
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", attached.name))
        message.attach(part)
    return message.as_bytes()


def _telling(text: Text, number: int) -> MIMEMultipart:
    both = MIMEMultipart("alternative", boundary=f"{_BOUNDARY}_{number}")
    both.attach(MIMEText(text.plain or "", "plain", "utf-8"))
    if text.html:
        both.attach(MIMEText(text.html, "html", "utf-8"))
    return both
