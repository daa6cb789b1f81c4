"""What a slot asks of a child, and what the child answers: values that cross a process border."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.artifacts import Analysis, PageError
from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Stage
from docyard_common.media_types import MediaType
from docyard_common.search.port import Chunk
from processor.stages.measures import MEASURES, Measure


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
    """For looking at pictures, of the hour that a document may take in all."""


class StageTask(Value):
    """One stage of one document, by local files only.

    validate and extract read `input`; analyze and index read `page_batches`, the stored batches of
    extract as local files, in page order.
    """

    stage: Stage
    filename: str
    content_type: str | None  # as declared or as intake saw it
    size_bytes: int = Field(ge=0)
    sha256: str  # as accepted
    sha256_read: str | None = None  # of `input` as downloaded; None lets validate compute it
    input: Path | None = None
    page_batches: tuple[Path, ...] = ()
    first_page: int = Field(default=1, ge=1)  # extract continues here after an interrupted run
    language: str | None = None  # for index, from analyze
    options: dict[str, Any] = Field(default_factory=dict)
    limits: DocumentLimits = DocumentLimits()
    ocr: bool = True  # whether pictures may be looked at; `options` may say when
    ocr_language: str = "eng"  # where `options` name none
    mode: Mode = Mode.STANDARD  # a step of the retry ladder

    @property
    def measures(self) -> frozenset[Measure]:
        """What this run does differently, because an earlier one died."""
        return MEASURES[self.mode]


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


@dataclass(frozen=True)
class Indexed:
    """The chunks of the document with their embeddings, in order."""

    chunks: tuple[Chunk, ...]


StageResult: TypeAlias = Validated | Extracted | Analyzed | Indexed


class Report(Protocol):
    """Where a running stage tells how far it is. Calls may block while the reader is slow."""

    def progress(self, progress: Progress) -> None: ...

    def pages(self, batch: PagesReady) -> None: ...


RunStage: TypeAlias = Callable[[StageTask, Report], StageResult]
