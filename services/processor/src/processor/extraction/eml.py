"""Mail as it travels (RFC 5322 and MIME), read as leniently as mail programs do."""

import base64
import binascii
import mimetypes
import quopri
import re
from contextlib import suppress
from email import policy
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Final

from processor.extraction.document import Source
from processor.extraction.encoding import decode
from processor.extraction.letters import Attachment, Letter, Text, joined, one_line
from processor.extraction.mail_parsing import parse_mail
from processor.extraction.text import BlockDocument

_MAX_PARTS: Final = 10_000
"""More parts than people or programs write; what is behind them is not read."""
_MAX_HEADER_CHARACTERS: Final = 20_000
_NOT_TO_READ: Final = frozenset({"text/calendar", "text/vcard", "text/x-vcard"})
_QUOTED_HEAD: Final = re.compile(r"(?:boundary|charset)=3D|=3D\?|=\n", re.IGNORECASE)
"""What the head of a mail has only where the whole mail is quoted-printable."""
_TWICE: Final = ["text/plain", "text/html"]
"""A mail that says the same two times: the usual case."""
_KEPT: Final = ("Message-ID", "In-Reply-To", "Reply-To", "List-Id", "Importance", "X-Mailer")


def open_eml(source: Source) -> BlockDocument:
    """Read the whole mail; what is malformed in it is read as well as it can be."""
    with source.path.open("rb") as file:
        message = parse_mail(file)
    return read_letter(message).document("email")


def read_letter(message: Message) -> Letter:
    """Return what a parsed mail says, with the words of mails inside it.

    Those are attached as well, and what is attached to them is theirs: if every mail around a file
    had it, a chain of mails would become more documents than anybody can count.
    """
    reading = _Reading()
    reading.read(message)
    return Letter(
        subject=header(message, "Subject"),
        sender=header(message, "From"),
        to=header(message, "To"),
        cc=header(message, "Cc"),
        bcc=header(message, "Bcc"),
        date=_date(header(message, "Date")),
        more={name.lower().replace("-", "_"): header(message, name) or None for name in _KEPT},
        texts=reading.texts,
        attachments=reading.attachments,
    )


def header(message: Message, name: str) -> str:
    """Return all headers called *name* as one line of text; empty where there is none."""
    wanted = name.lower()
    found = (value for key, value in message.raw_items() if key.lower() == wanted)
    return joined(_decoded(str(value)) for value in found)


def _decoded(value: str) -> str:
    """Decode the encoded words of RFC 2047; bytes that should not be there are guessed."""
    value = value[:_MAX_HEADER_CHARACTERS]
    try:
        words = decode_header(value)
    except (HeaderParseError, ValueError):
        words = [(value, None)]
    return "".join(_word(word, charset) for word, charset in words)


def _word(word: str | bytes, charset: str | None) -> str:
    try:
        data = word.encode("ascii", "surrogateescape") if isinstance(word, str) else word
    except UnicodeEncodeError:
        # Names by RFC 2231 come decoded.
        return str(word)
    return decode(data, charset)


def _date(value: str) -> str:
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        return parsedate_to_datetime(value).isoformat()
    return value


class _Reading:
    """One walk over the parts of a mail, in the order in which people see them."""

    def __init__(self) -> None:
        self.texts: list[Text] = []
        self.attachments: list[Attachment] = []
        self._waiting: list[tuple[Message, bool]] = []  # a part, and whether a mail inside has it

    def read(self, message: Message) -> None:
        # A stack of our own: nesting is the sender's.
        self._waiting = [(message, False)]
        for _ in range(_MAX_PARTS):
            if not self._waiting:
                return
            part, inside = self._waiting.pop()
            self._take(part, inside=inside)

    def _take(self, part: Message, *, inside: bool) -> None:
        kind = part.get_content_type()
        inner = _beside(_parts(part)) if kind == "multipart/alternative" else _parts(part)
        if kind == "multipart/alternative" and [p.get_content_type() for p in inner[:2]] == _TWICE:
            self.texts.append(Text(plain=_text(inner[0]).plain, html=_text(inner[1]).html))
            inner = inner[2:]
        elif kind == "message/rfc822":
            self._attach(part, inside=inside)
            inner = _mails_inside(part)
            self.texts.extend(Text(plain=_head(mail)) for mail in inner)
            inside = True
        elif kind == "message/delivery-status":
            told = (f"{name}: {value}\n" for one in inner for name, value in one.items())
            self.texts.append(Text(plain="".join(told)))
        elif _is_to_read(part):
            self.texts.append(_text(part))
        elif not part.is_multipart():
            self._attach(part, inside=inside)
        self._waiting.extend((one, inside) for one in reversed(inner))

    def _attach(self, part: Message, *, inside: bool) -> None:
        if not inside:
            self.attachments.append(_attachment(part, len(self.attachments) + 1))


def _head(mail: Message) -> str:
    names = ("Subject", "From", "To", "Date")
    told = ((name, header(mail, name)) for name in names)
    return "".join(f"{name}: {value}\n" for name, value in told if value)


def _parts(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def _beside(tellings: list[Message]) -> list[Message]:
    """Put HTML that is wrapped up with its pictures beside the plain text, the pictures behind."""
    for second in tellings[1:2]:
        wrapped = _parts(second) if second.get_content_type() == "multipart/related" else []
        if wrapped and wrapped[0].get_content_type() == "text/html":
            return [tellings[0], *wrapped, *tellings[2:]]
    return tellings


def _is_to_read(part: Message) -> bool:
    if part.is_multipart() or part.get_content_type() in _NOT_TO_READ:
        return False
    if part.get_content_maintype() not in {"text", "multipart"}:
        return False
    return _filename(part) is None and part.get_content_disposition() != "attachment"


def _text(part: Message) -> Text:
    html = part.get_content_type() == "text/html"
    with suppress(LookupError, ValueError, TypeError):
        charset = part.get_content_charset()
        text = decode(_data(part), charset, html=html)
        return Text(html=text) if html else Text(plain=text)
    return Text(plain=decode(_data(part), None))


def _data(part: Message) -> bytes:
    """Return the part's bytes, decoded as far as they can be; never raises."""
    with suppress(ValueError, LookupError, AssertionError, TypeError):
        payload = part.get_payload(decode=True)
        # Broken uuencode comes back empty: then the characters say more.
        if isinstance(payload, bytes) and payload:
            return payload
    return str(part.get_payload() or "").encode("utf-8", "surrogateescape")


def _attachment(part: Message, number: int) -> Attachment:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        data = _enclosed(part)
        name = _filename(part) or f"message-{number}.eml"
        return Attachment(name if name.lower().endswith(".eml") else f"{name}.eml", kind, data)
    name = _filename(part) or f"part-{number}{mimetypes.guess_extension(kind) or ''}"
    return Attachment(name, kind, _data(part))


def _enclosed(part: Message) -> bytes:
    """Return a mail inside the mail as a file of its own."""
    inner = _parts(part)
    if not inner:
        return _data(part)
    try:
        data = inner[0].as_bytes(policy=policy.compat32)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return str(inner[0]).encode("utf-8", "replace") if not inner[0].is_multipart() else b""
    # Against the standard, and common.
    encoding = _encoding(part)
    if encoding == "base64":
        with suppress(binascii.Error):
            return base64.b64decode(data.strip())
    return quopri.decodestring(data) if encoding == "quoted-printable" else data


def _mails_inside(part: Message) -> list[Message]:
    """Return the mail inside, decoded where it is encoded, as none may be (RFC 2046, 5.2.1).

    What is written in base64 stays text beside that: readers that keep to the rule see only it.
    """
    encoding = _encoding(part)
    if encoding is None:
        return _parts(part)
    decoded = parse_mail(BytesIO(_enclosed(part)))
    return [decoded, *_parts(part)] if encoding == "base64" else [decoded]


def _encoding(part: Message) -> str | None:
    """Return the encoding that a mail inside is in; None where it is in none, whatever is said."""
    inner = _parts(part)
    said = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    head = "".join(f"{name}:{value}\n" for name, value in inner[0].raw_items()) if inner else ""
    if said == "base64" and inner and not head:
        return said
    return said if said == "quoted-printable" and _QUOTED_HEAD.search(head) else None


def _filename(part: Message) -> str | None:
    """Return the name that the sender gave the part; None where there is none."""
    with suppress(ValueError, LookupError, TypeError, AttributeError, MessageError):
        name = part.get_filename()
        if name:
            return one_line(re.sub(r"[\x00-\x1f]", " ", _decoded(str(name)))) or None
    return None
