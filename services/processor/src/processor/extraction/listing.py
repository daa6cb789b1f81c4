"""What lies inside a container, told as text and as metadata."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from docyard_common.artifacts import Page
from processor.extraction.cleaning import clean_metadata
from processor.extraction.document import Enclosed, Take
from processor.extraction.paging import Block, paginate
from processor.stages.task import FoundMember

_MAX_LISTED: Final = 10_000
"""More files are counted, not named: nobody reads a list of a million."""
_PIECE_BYTES: Final = 256 * 1024


class Listing:
    """Grows while a container is unfolded."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._lines: list[str] = []
        self._skipped: Counter[str] = Counter()
        self._children = 0
        self.remark: str | None = None  # why what follows is not listed

    def add(self, member: FoundMember) -> None:
        if member.skipped is None:
            self._children += 1
        else:
            self._skipped[member.skipped.value] += 1
        if len(self._lines) < _MAX_LISTED:
            self._lines.append(_line(member))

    @property
    def count(self) -> int:
        return self._children + self._skipped.total()

    def facts(self) -> dict[str, Any]:
        """Return what is known of the files, without their names."""
        return clean_metadata(
            {
                "members": self.count,
                "children": self._children,
                "skipped": dict(self._skipped) or None,
                "remark": self.remark,
            }
        )

    def blocks(self) -> Iterator[Block]:
        yield Block(f"{self._title}: {self.count}\n", heading=self._title)
        yield from (Block(line) for line in self._lines)
        if self.count > len(self._lines):
            yield Block(f"and {self.count - len(self._lines)} more\n")
        if self.remark:
            yield Block(f"{self.remark}\n")


class ArchiveDocument:
    """A container that says nothing itself: its text is the list of its files."""

    page_count = None

    def __init__(
        self,
        extractor: str,
        enclosed: Callable[[Listing], Iterator[Enclosed]],
        *,
        facts: dict[str, Any],
        close: Callable[[], None],
    ) -> None:
        self.extractor = extractor
        self._enclosed = enclosed
        self._facts = facts
        self._listing = Listing("Files")
        self.close = close

    def unfold(self, take: Take) -> None:
        for enclosed in self._enclosed(self._listing):
            self._listing.add(take(enclosed))

    def pages(self, first: int) -> Iterator[Page]:
        return (page for page in paginate(self._listing.blocks()) if page.number >= first)

    def metadata(self) -> dict[str, Any]:
        return clean_metadata(self._facts) | self._listing.facts()

    def thumbnail(self) -> bytes | None:
        return None


def in_pieces(data: bytes) -> Iterator[bytes]:
    """Yield *data* as `Enclosed.pieces` does."""
    for start in range(0, len(data), _PIECE_BYTES):
        yield data[start : start + _PIECE_BYTES]


def _line(member: FoundMember) -> str:
    if member.media_type is not None:
        return f"{member.path} ({member.size_bytes} bytes, {member.media_type})\n"
    reason = (member.skipped or "").replace("_", " ")
    return f"{member.path} (left out: {reason})\n"
