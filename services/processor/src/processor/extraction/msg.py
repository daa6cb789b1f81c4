"""Outlook's messages: MAPI properties in an OLE file, read by python-oxmsg."""

import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

import compressed_rtf
from olefile import OleFileIO
from oxmsg.domain import constants as pid
from oxmsg.storage import Storage

from docyard_common.media_types import MediaType, TypeMismatchError
from processor.extraction.document import Source
from processor.extraction.letters import Attachment, Letter, Text, joined, one_line
from processor.extraction.mail_writing import write_mail
from processor.extraction.mapi import Properties
from processor.extraction.rtf import rtf_text
from processor.extraction.text import BlockDocument
from processor.stages.errors import UnreadableDocumentError

_Value = TypeVar("_Value")

# What olefile, python-oxmsg and the decoders of RTF raise for damaged files.
_DAMAGED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    UnreadableDocumentError,
    ValueError,
    struct.error,
)
_HEADER_BYTES: Final = 32  # before the properties of a message that is a file
_INNER_HEADER_BYTES: Final = 24  # and of one inside another
_PART_HEADER_BYTES: Final = 8  # and of recipients and attachments
_INNER_MESSAGE: Final = "__substg1.0_3701000D"
_PROPERTIES: Final = "__properties_version1.0"
_RTF: Final = 0x1009
_DISPLAY_TO: Final = 0x0E04
_DISPLAY_CC: Final = 0x0E03
_DISPLAY_BCC: Final = 0x0E02
_MESSAGE_ID: Final = 0x1035
_SHORT_FILE_NAME: Final = 0x3704
_DELIVERY_TIME: Final = 0x0E06


def open_msg(source: Source) -> BlockDocument:
    """Read the whole message. Raises TypeMismatchError or UnreadableDocumentError."""
    try:
        with OleFileIO(str(source.path)) as file:
            storage = Storage.from_ole(file)
    except _DAMAGED as error:
        raise UnreadableDocumentError("The file is no message that can be read.") from error
    if not any(stream.name == _PROPERTIES for stream in storage.streams):
        raise TypeMismatchError("The file is of Microsoft Office, but no message of Outlook.")
    return _letter(storage, header_bytes=_HEADER_BYTES).document("python-oxmsg")


def _letter(storage: Storage, *, header_bytes: int) -> Letter:
    properties = Properties(storage, header_bytes)
    parts = partial(Properties, header_bytes=_PART_HEADER_BYTES, message=properties)
    recipients = [parts(one) for one in storage.iter_recipient_storages()]
    return Letter(
        subject=_text(properties, pid.PID_SUBJECT),
        sender=_sender(properties),
        to=_text(properties, _DISPLAY_TO) or joined(_address(one) for one in recipients),
        cc=_text(properties, _DISPLAY_CC),
        bcc=_text(properties, _DISPLAY_BCC),
        date=_date(properties),
        more={
            "message_id": _text(properties, _MESSAGE_ID) or None,
            "message_class": _text(properties, pid.PID_MESSAGE_CLASS) or None,
        },
        texts=[_body(properties)],
        attachments=list(_attachments(storage, properties)),
    )


def _sender(properties: Properties) -> str:
    name = _text(properties, pid.PID_SENDER_NAME)
    address = _text(properties, pid.PID_SENDER_SMTP_ADDRESS) or _text(
        properties, pid.PID_SENDER_EMAIL_ADDRESS
    )
    both = f"{name} <{address}>" if address and address != name else name
    return both or _text(properties, pid.PID_SENT_REPRESENTING_NAME)


def _address(properties: Properties) -> str:
    name = _text(properties, pid.PID_DISPLAY_NAME)
    address = _text(properties, pid.PID_SMTP_ADDRESS) or _text(properties, pid.PID_EMAIL_ADDRESS)
    return f"{name} <{address}>" if address and address != name else name


def _date(properties: Properties) -> str:
    for which in (pid.PID_CLIENT_SUBMIT_TIME, _DELIVERY_TIME):
        at = _tried(partial(properties.time, which), None)
        if at is not None:
            return at.isoformat()
    return ""


def _body(properties: Properties) -> Text:
    plain = properties.text(pid.PID_BODY, is_body=True) or ""
    html = properties.html(pid.PID_HTML) or ""
    if not plain.strip() and not html.strip():
        plain = _tried(lambda: _rtf(properties), "")
    return Text(plain=plain, html=html)


def _rtf(properties: Properties) -> str:
    packed = properties.binary(_RTF)
    if packed is None:
        return ""
    try:
        rtf = compressed_rtf.decompress(packed)
    except Exception as error:  # the library has nothing narrower for a wrong checksum
        raise UnreadableDocumentError(f"The RTF of the message is damaged: {error}") from error
    return rtf_text(rtf)


def _attachments(storage: Storage, message: Properties) -> Iterator[Attachment]:
    for number, part in enumerate(storage.iter_attachment_storages(), start=1):
        inner = next((one for one in part.storages if one.name == _INNER_MESSAGE), None)
        if inner is not None:
            letter = _tried(partial(_letter, inner, header_bytes=_INNER_HEADER_BYTES), None)
            if letter is not None:
                name = f"{letter.subject[:100] or f'message-{number}'}.eml"
                yield Attachment(name, MediaType.EML.value, write_mail(letter))
            continue
        properties = Properties(part, _PART_HEADER_BYTES, message=message)
        data = properties.binary(pid.PID_ATTACH_DATA_BINARY)
        if data is not None:
            name = _text(properties, pid.PID_ATTACH_LONG_FILENAME) or _text(
                properties, _SHORT_FILE_NAME
            )
            kind = _text(properties, pid.PID_ATTACH_MIME_TAG) or "application/octet-stream"
            yield Attachment(name or f"attachment-{number}", kind, data)


def _text(properties: Properties, which: int) -> str:
    return one_line(properties.text(which) or "")


def _tried(read: Callable[[], _Value], otherwise: _Value) -> _Value:
    """Return what *read* does: a property that is damaged must not cost the others."""
    try:
        return read()
    except _DAMAGED:
        return otherwise
