"""Groups of RTF, before its text is taken: pictures go, notes and boxes become plain text."""

import re
import sys
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(
    rb"[{}]|\\(?:bin(?P<bytes>\d{1,10}) ?|(?P<page>page)(?![a-z0-9-]) ?|(?P<pict>pict)(?![a-z])"
    rb"|(?P<like>pict[a-z]+|\\pict)|[a-z]+|.)",
    re.DOTALL,
)
_GROUP: Final = re.compile(rb"\{\s*(?:\\\*\s*)?\\([a-z]+)(?![0-9-]) ?")
_NOTES: Final = re.compile(rb"footnote|annotation|(?:header|footer)[lrf]?")
_BOXES: Final = frozenset({b"shptxt", b"dptxbxtext"})
_SHAPES: Final = frozenset({b"shp", b"shpgrp", b"do"})
"""Drawings; those of newer programs hold what older ones show instead, too."""
_LEFT_OUT: Final = frozenset({b"pict", b"objdata", b"shprslt"})


def plain_groups(code: bytes) -> bytes:
    r"""Return *code* without pictures; notes, headers and text boxes are paragraphs of their own.

    What is left has no `\pict`, in which striprtf looks for every `\bin`. One pass over bytes: the
    lengths of binary data count them. Page breaks become form feeds, as striprtf keeps none.
    """
    writer = _Writer(code)
    position = 0
    while found := _TOKEN.search(code, position):
        position = writer.take(found)
    return writer.written()


@dataclass(frozen=True)
class _Group:
    """A group that is treated as a whole."""

    depth: int
    is_kept: bool
    holds_boxes: bool = False
    end: bytes = b""


@dataclass
class _Writer:
    """Copies what is kept in long runs."""

    code: bytes
    depth: int = 0
    _kept_from: int = 0
    _pieces: list[bytes] = field(default_factory=list)
    _groups: list[_Group] = field(default_factory=lambda: [_Group(-sys.maxsize, is_kept=True)])

    def take(self, found: re.Match[bytes]) -> int:
        """Treat one token; return where to go on."""
        start, end, token = found.start(), found.end(), found.group()
        if token == b"{":
            return self._open(found)
        if token == b"}":
            self.depth -= 1
            if self._groups[-1].depth > self.depth:
                self._close(found)
        elif found.lastgroup == "bytes":
            end = self._replace(start, min(end + int(found["bytes"]), len(self.code)), b"")
        elif found.lastgroup == "page":
            self._replace(start, end, rb"\'0c")
        elif found.lastgroup == "pict":
            self._leave_rest(found)
        elif found.lastgroup == "like":
            self._replace(start, end, _apart(token))
        return end

    def written(self) -> bytes:
        self._replace(len(self.code), len(self.code), b"")
        return b"".join(self._pieces)

    def _open(self, found: re.Match[bytes]) -> int:
        self.depth += 1
        named = _GROUP.match(self.code, found.start())
        word, outer = named.group(1) if named else b"", self._groups[-1]
        if named is None:
            return found.end()
        if (outer.is_kept and _NOTES.fullmatch(word)) or (outer.holds_boxes and word in _BOXES):
            self._keep_apart(found.start(), named.end())
        elif word in _SHAPES or word in _LEFT_OUT:
            self._replace(found.start(), named.end(), b"")
            holds = word in _SHAPES and (outer.is_kept or outer.holds_boxes)
            self._groups.append(_Group(self.depth, is_kept=False, holds_boxes=holds))
        else:
            return found.end()
        return named.end()

    def _keep_apart(self, start: int, end: int) -> None:
        self._replace(start, end, b"")
        self._groups.append(_Group(self.depth, is_kept=True, end=rb"\par }"))
        self._pieces.append(rb"{\par ")
        self._kept_from = end

    def _leave_rest(self, found: re.Match[bytes]) -> None:
        """Leave out what is left of a group that turns out to be a picture."""
        self._replace(found.start(), found.end(), b"")
        if self._groups[-1].is_kept:
            is_same = self._groups[-1].depth == self.depth
            end = self._groups.pop().end if is_same else b"}"
            self._groups.append(_Group(self.depth, is_kept=False, end=end))

    def _close(self, found: re.Match[bytes]) -> None:
        self._replace(found.start(), found.end(), b"")
        closed = self._groups.pop()
        if closed.is_kept or self._groups[-1].is_kept:
            self._pieces.append(closed.end)

    def _replace(self, start: int, end: int, by: bytes) -> int:
        """Write what was kept up to *start*, then *by* in place of what is up to *end*."""
        if self._groups[-1].is_kept:
            self._pieces += (self.code[self._kept_from : start], by)
        self._kept_from = end
        return end


def _apart(token: bytes) -> bytes:
    r"""Return an escaped backslash so that no `\pict` is read into it; other words are dropped."""
    return rb"\\{}pict" if token.startswith(rb"\\") else b""
