"""What a slot asks of a child, and what the child answers: values that cross a process border."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.analysis import Analysis
from docyard_common.artifacts import PageError, SkipReason
from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Stage
from docyard_common.media_types import MediaType
from docyard_common.search.port import Chunk
from processor.stages.measures import Measure, measures

_MIB: Final = 1024 * 1024


class Value(BaseModel):
    """Frozen, and closed to fields it does not know: both ends are the same release."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentLimits(Value):
    """How much one document may unfold into."""

    max_pages: int = Field(default=50_000, ge=1)
    """More are refused as too large: ten times the longest printed books."""
    max_pixels: int = Field(default=120_000_000, ge=1)
    """Of an image, checked before decoding: 120 MP in RGBA is 480 MB."""
    max_characters: int = Field(default=50_000_000, ge=1)
    """Of extracted text: about 25,000 full pages."""
    ocr_seconds: float = Field(default=1_200.0, ge=0)
    """Processor time for looking at pictures, of the hour that a document may take in all."""
    max_members: int = Field(default=10_000, ge=0)
    """Documents that may come out of one upload, at all depths together."""
    max_member_bytes: int = Field(default=100 * _MIB, ge=1)
    """Of one file inside a container: as large as an upload may be by default."""
    max_unfolded_bytes: int = Field(default=4096 * _MIB, ge=0)
    """Of all files that come out of one upload, at all depths together."""
    max_ratio: int = Field(default=100, ge=1)
    """Unfolded size by stored size: text comes to some 20, a bomb to a thousand and more."""
    ratio_from_bytes: int = Field(default=64 * _MIB, ge=0)
    """So much may come out of any container, however small it is."""
    max_depth: int = Field(default=5, ge=0)
    """Containers in containers: a mail in an archive, with an archive attached, is at 3."""


@dataclass(frozen=True)
class Budget:
    """What may come out of a container, at all depths."""

    members: int
    bytes: int


class StageTask(Value):
    """One stage of one document, by local files only.

    validate and extract read `input`; analyze and index read `page_batches`, the stored batches of
    extract as local files, in page order. index may be given `texts` instead, a JSON list in a
    file: then each is a chunk, and only its embedding counts.
    """

    stage: Stage
    filename: str
    content_type: str | None  # as declared or as intake saw it
    size_bytes: int = Field(ge=0)
    sha256: str  # as accepted
    sha256_read: str | None = None  # of `input` as downloaded; None lets validate compute it
    input: Path | None = None
    page_batches: tuple[Path, ...] = ()
    texts: Path | None = None
    first_page: int = Field(default=1, ge=1)  # extract continues here after an interrupted run
    pages_total: int | None = None  # as counted by validate; None where it did not open the input
    language: str | None = None  # for index, from analyze
    options: dict[str, Any] = Field(default_factory=dict)
    limits: DocumentLimits = DocumentLimits()
    ocr: bool = True  # whether pictures may be looked at; `options` may say when
    ocr_language: str = "eng"  # where `options` name none
    excerpt_bytes: int = Field(default=0, ge=0)  # of the text, that analyze hands back, too
    mode: Mode = Mode.STANDARD  # a step of the retry ladder
    depth: int = Field(default=0, ge=0)  # 0 for an upload, 1 for what was found inside it, ...
    members_left: int | None = None  # of the upload's limits; None for an upload: all of them
    bytes_left: int | None = None

    def budget(self) -> Budget:
        """Return what may come out of the input: it shrinks with depth, so that nesting ends."""
        limits = self.limits
        inherited = limits.max_unfolded_bytes if self.bytes_left is None else self.bytes_left
        own = max(limits.ratio_from_bytes, limits.max_ratio * self.size_bytes)
        members = limits.max_members if self.members_left is None else self.members_left
        deep = self.depth >= limits.max_depth
        return Budget(members=0 if deep else members, bytes=min(inherited, own))

    @property
    def measures(self) -> frozenset[Measure]:
        """What this run does differently, because an earlier one died."""
        return measures(self.stage, self.mode)


class Progress(Value):
    """How far the stage is; `pages_total` is None while nobody knows."""

    pages_done: int = Field(ge=0)
    pages_total: int | None = None
    message: str = ""


@dataclass(frozen=True)
class PagesReady:
    """A batch of finished pages, ready to be stored under `artifacts.pages_key`.

    Pages *first* to *last* are settled: one that is missing inside could not be read. So a later
    run needs nothing but the stored batches to know what is done and what failed.
    """

    first: int
    last: int
    characters: int
    data: bytes  # as written by `artifacts.dump_pages`


@dataclass(frozen=True)
class MemberData:
    """The next bytes of a file inside a container; files come one after the other."""

    position: int
    data: bytes


class FoundMember(Value):
    """A file inside a container, and what is to become of it.

    Told after its last bytes. One that is skipped is told only where bytes of it were sent.
    """

    position: int = Field(ge=1)  # in the container's own order
    path: str  # as the container says it: never used as a path
    filename: str
    media_type: MediaType | None = None  # None where it is skipped
    size_bytes: int | None = None  # as it came; of one that is skipped, as it was declared
    skipped: SkipReason | None = None


@dataclass(frozen=True)
class Validated:
    """The document is what it claims to be and can be opened."""

    media_type: MediaType
    page_count: int | None  # None where pages are known only after reading


@dataclass(frozen=True)
class Extracted:
    """All pages are handed over; counts cover this run, from `first_page` on."""

    media_type: MediaType
    page_count: int  # of the whole document
    characters: int
    page_errors: tuple[PageError, ...]
    extractor: str
    metadata: dict[str, Any]
    thumbnail: bytes | None  # WebP


@dataclass(frozen=True)
class Analyzed:
    """What the text is about."""

    analysis: Analysis
    excerpt: str = ""  # the beginning of the text, where it was asked for


@dataclass(frozen=True)
class Indexed:
    """The chunks of the document with their embeddings, in order."""

    chunks: tuple[Chunk, ...]


StageResult: TypeAlias = Validated | Extracted | Analyzed | Indexed


class Report(Protocol):
    """Where a running stage tells how far it is. Calls may block while the reader is slow."""

    def progress(self, progress: Progress) -> None: ...

    def pages(self, batch: PagesReady) -> None: ...

    def member(self, told: MemberData | FoundMember) -> None: ...


RunStage: TypeAlias = Callable[[StageTask, Report], StageResult]
