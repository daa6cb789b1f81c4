"""Parses mail whose head is not clean: Python's parser takes the first odd line for the body."""

import re
from collections.abc import Iterator
from email import policy
from email.message import Message
from email.parser import Parser
from io import TextIOWrapper
from typing import BinaryIO, Final, TextIO

_MARK: Final = b"\xef\xbb\xbf".decode("ascii", "surrogateescape")
_FROM_LINE: Final = ("From ", ">From ")
"""Line of an mbox; quoted by programs that took it for text."""
_HEADER: Final = re.compile(r"[!-9;-~]+:|[ \t]")
_SURE_HEADER: Final = re.compile(
    r"(?:from|to|cc|subject|date|received|return-path|reply-to|message-id|mime-version|references|"
    r"in-reply-to|content-type|content-transfer-encoding|content-disposition|x-[\w-]{1,60})[ \t]*:",
    re.IGNORECASE,
)
_LINE: Final = 64 * 1024
"""What is read of a line at once: some bodies are one line."""
_MAX_ODD: Final = 256 * 1024
"""Characters that may stand between two headers; more of them are a body."""


def parse_mail(file: BinaryIO) -> Message:
    """Return the mail in *file*, as deep as it can be parsed; never raises for what is in it."""
    # The newer policies raise on headers that real mail has.
    parser = Parser(policy=policy.compat32)
    text = TextIOWrapper(file, encoding="ascii", errors="surrogateescape")
    try:
        return parser.parse(_Mended(text))
    except RecursionError:
        text.seek(0)
        return parser.parse(_Mended(text), headersonly=True)
    finally:
        text.detach()


class _Mended:
    """A mail with a clean head; the rest is passed on as it is read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._head = _head(text)

    def read(self, size: int = -1, /) -> str:
        return next(self._head, None) or self._text.read(size)


def _head(text: TextIO) -> Iterator[str]:
    """Yield the head with its empty line, odd lines before a header folded into the one above."""
    odd: list[str] = []
    size = 0
    for line in _lines(text):
        if odd and _SURE_HEADER.match(line):
            yield from (one if _HEADER.match(one) else f" {one}" for one in odd)
            odd, size = [], 0
        if odd or not _HEADER.match(line):
            odd.append(line)
            size += len(line)
        else:
            yield line
        if line == "\n" or size > _MAX_ODD:
            break
    # No header follows: a body does, whose empty line is missing.
    yield from odd


def _lines(text: TextIO) -> Iterator[str]:
    """Yield lines, and long ones in pieces, from the first that can be of a head."""
    line = text.readline(_LINE).removeprefix(_MARK)
    while line and (not line.strip() or line.startswith(_FROM_LINE)):
        line = text.readline(_LINE)
    while line:
        yield line
        line = text.readline(_LINE)
