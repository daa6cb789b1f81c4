"""Properties of Outlook's messages (MS-OXMSG): each a stream of its own, or listed as a number."""

import codecs
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from oxmsg.domain import constants as c
from oxmsg.domain.encodings import encoding_from_codepage
from oxmsg.domain.model import UnrecognizedCodePageError, UnsupportedEncodingError
from oxmsg.storage import Storage

from processor.extraction.encoding import decode
from processor.extraction.guessing import guess

_PROPERTIES: Final = "__properties_version1.0"
_LISTED: Final = struct.Struct("<HHI8s")  # type, id, flags, value
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS_A_SECOND: Final = 10_000_000
_OF_UNICODE: Final = frozenset({1200, 1201, 12000, 12001})
"""Code pages that no 8-bit text can be in; messages name them all the same."""
_MORE_PAGES: Final = {38598: "iso-8859-8"}  # iso-8859-8-i: the same letters in logical order


class Properties:
    """What a message, a recipient or an attachment says about itself.

    Read here and not by python-oxmsg, which refuses all properties of a message whose code page it
    has no name for, and drops 8-bit text that has one character beyond a narrow codec.
    """

    def __init__(
        self, storage: Storage, header_bytes: int, message: "Properties | None" = None
    ) -> None:
        self._streams = {stream.name: stream.bytes_ for stream in storage.streams}
        self._listed = _listed(self._streams.get(_PROPERTIES, b"")[header_bytes:])
        # Recipients and attachments are written in the code page of their message.
        self._message = message or self
        self._page = self._number(c.PID_MESSAGE_CODEPAGE)
        self._body_page = self._number(c.PID_INTERNET_CODEPAGE)

    def binary(self, pid: int) -> bytes | None:
        return self._stream(pid, c.PTYP_BINARY)

    def text(self, pid: int, *, is_body: bool = False) -> str | None:
        """Return the text of *pid*, in whichever of its two types it is; never raises."""
        wide = self._stream(pid, c.PTYP_STRING)
        if wide is not None:
            return wide.decode("utf-16-le", "replace")
        narrow = self._stream(pid, c.PTYP_STRING8)
        return None if narrow is None else decode(narrow, self._message.encoding(is_body=is_body))

    def html(self, pid: int) -> str | None:
        """Return the page of *pid*: bytes that name their encoding themselves, or text."""
        data = self.binary(pid)
        if data is None:
            return self.text(pid, is_body=True)
        return decode(data, _label(self._body_page) or _label(self._page), html=True)

    def time(self, pid: int) -> datetime | None:
        """Return the time of *pid* to the second. Raises OverflowError for one out of range."""
        value = self._listed.get((c.PTYP_TIME, pid))
        if value is None:
            return None
        return _EPOCH + timedelta(seconds=int.from_bytes(value, "little") // _TICKS_A_SECOND)

    def encoding(self, *, is_body: bool) -> str | None:
        """Return a label for 8-bit texts: by the code pages, else by what all of them look like."""
        pages = (self._body_page, self._page) if is_body else (self._page, self._body_page)
        labels = (_label(page) for page in pages if page not in _OF_UNICODE)
        return next(filter(None, labels), None) or self._guess

    @cached_property
    def _guess(self) -> str | None:
        """The encoding of all 8-bit texts together: a name alone is too short for statistics."""
        ending = f"{c.PTYP_STRING8:04X}"
        texts = (data for name, data in self._streams.items() if name.endswith(ending))
        written = b"\n".join(texts)
        with suppress(UnicodeDecodeError):
            written.decode("utf-8")
            return None
        return guess(written)

    def _number(self, pid: int) -> int:
        """Return the number of *pid*; 0 where there is none."""
        return int.from_bytes(self._listed.get((c.PTYP_INTEGER_32, pid), b"")[:4], "little")

    def _stream(self, pid: int, kind: int) -> bytes | None:
        return self._streams.get(f"__substg1.0_{pid:04X}{kind:04X}")


def _listed(data: bytes) -> dict[tuple[int, int], bytes]:
    whole = data[: len(data) - len(data) % _LISTED.size]
    return {(kind, pid): value for kind, pid, _, value in _LISTED.iter_unpack(whole)}


def _label(page: int) -> str | None:
    """Return a label that names the code page; None where nothing reads it."""
    with suppress(LookupError):
        return codecs.lookup(f"cp{page}").name
    with suppress(UnrecognizedCodePageError, UnsupportedEncodingError):
        return encoding_from_codepage(page)
    return _MORE_PAGES.get(page)
