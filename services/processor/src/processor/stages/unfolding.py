"""Passes on what lies inside a container, within limits that are checked before it inflates."""

from pathlib import PurePosixPath
from typing import Final

from docyard_common.artifacts import SkipReason
from docyard_common.errors import PermanentError
from docyard_common.media_types import HEAD_BYTES, MediaType, sniff
from processor.extraction.cleaning import clean
from processor.extraction.document import Enclosed, MemberSkippedError
from processor.stages.task import FoundMember, MemberData, Progress, Report, StageTask

_MAX_PATH_CHARACTERS: Final = 1_000
_MAX_NAME_CHARACTERS: Final = 200


class Unfolding:
    """One walk through one container; what it passes on counts against the budget of its task."""

    def __init__(self, task: StageTask, report: Report) -> None:
        self._limits = task.limits
        self._deep = task.depth >= task.limits.max_depth
        self._report = report
        budget = task.budget()
        self._members_left = budget.members
        self._bytes_left = budget.bytes

    def take(self, enclosed: Enclosed) -> FoundMember:
        """Pass the file on as a document of its own, or say why it becomes none."""
        # A tick, so that long walks through what is skipped are no silence.
        self._report.progress(Progress(pages_done=0, message=f"file {enclosed.position} inside"))
        reason = enclosed.skipped or self._refusal(enclosed)
        if reason is not None:
            return _skipped(enclosed, reason)
        return self._read(enclosed)

    def _refusal(self, enclosed: Enclosed) -> SkipReason | None:
        """Say what is against the file by what is declared: nothing is inflated for it."""
        if self._deep:
            return SkipReason.TOO_DEEP
        if self._members_left <= 0:
            return SkipReason.TOO_MANY
        size, stored = enclosed.size_bytes or 0, enclosed.stored_bytes
        if size > self._limits.max_member_bytes:
            return SkipReason.TOO_LARGE
        dense = stored is not None and size > self._limits.max_ratio * max(stored, 1)
        if size > self._bytes_left or (dense and size > self._limits.ratio_from_bytes):
            return SkipReason.DECOMPRESSION_LIMIT
        return None

    def _read(self, enclosed: Enclosed) -> FoundMember:
        passing = _Passing(enclosed, self._report)
        try:
            for piece in enclosed.pieces():
                passing.take(piece)
                self._bytes_left -= len(piece)
                self._require_within(passing.size_bytes)
            media_type = passing.finish()
        except MemberSkippedError as error:
            found = _skipped(enclosed, error.reason)
            if passing.has_sent:
                self._report.member(found)
            return found
        self._members_left -= 1
        found = _found(enclosed, passing.size_bytes, media_type)
        self._report.member(found)
        return found

    def _require_within(self, size_bytes: int) -> None:
        """Raise MemberSkippedError where the file turns out larger than was declared."""
        if size_bytes > self._limits.max_member_bytes:
            raise MemberSkippedError(SkipReason.TOO_LARGE)
        if self._bytes_left < 0:
            raise MemberSkippedError(SkipReason.DECOMPRESSION_LIMIT)


class _Passing:
    """One file on its way to the parent: judged like an upload, by its first bytes."""

    def __init__(self, enclosed: Enclosed, report: Report) -> None:
        self._enclosed = enclosed
        self._report = report
        self._head = b""
        self._media_type: MediaType | None = None
        self.size_bytes = 0

    @property
    def has_sent(self) -> bool:
        return self._media_type is not None

    def take(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        if self._media_type is not None:
            self._send(piece)
            return
        self._head += piece
        if len(self._head) >= HEAD_BYTES:
            self._judge()

    def finish(self) -> MediaType:
        """Return what it is. Raises MemberSkippedError for what would be refused as an upload."""
        return self._media_type or self._judge()

    def _judge(self) -> MediaType:
        try:
            kind = sniff(self._head[:HEAD_BYTES], name_of(self._enclosed), None)
        except PermanentError as error:
            raise MemberSkippedError(SkipReason(error.reason.value)) from error
        self._media_type = kind
        self._send(self._head)
        self._head = b""
        return kind

    def _send(self, data: bytes) -> None:
        self._report.member(MemberData(self._enclosed.position, data))


def name_of(enclosed: Enclosed) -> str:
    """Return the last part of the path as a file name: no separator, no control character."""
    parts = PurePosixPath(_one_line(enclosed.path).replace("\\", "/")).parts
    name = next((part for part in reversed(parts) if part not in {"/", ".", ".."}), "")
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= _MAX_NAME_CHARACTERS:
        return name.strip() or f"member-{enclosed.position}"
    # The suffix says what the file is: the rest gives way.
    return (stem or suffix)[: _MAX_NAME_CHARACTERS - 20] + dot + suffix[:16]


def _found(enclosed: Enclosed, size_bytes: int, media_type: MediaType) -> FoundMember:
    return FoundMember(
        position=enclosed.position,
        path=_one_line(enclosed.path),
        filename=name_of(enclosed),
        media_type=media_type,
        size_bytes=size_bytes,
    )


def _skipped(enclosed: Enclosed, reason: SkipReason) -> FoundMember:
    return FoundMember(
        position=enclosed.position,
        path=_one_line(enclosed.path),
        filename=name_of(enclosed),
        size_bytes=enclosed.size_bytes,
        skipped=reason,
    )


def _one_line(path: str) -> str:
    return " ".join(clean(path[:_MAX_PATH_CHARACTERS]).split("\n"))
