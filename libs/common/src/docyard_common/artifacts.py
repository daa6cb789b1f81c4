"""What the stages leave in the object store: keys, shapes and compression, for writers and readers.

What stages make of a document lies under `documents/<id>/`, so erasing it is one prefix. The bytes
that came in lie apart: documents of equal content share them. A manifest is written last: where it
lies, the artifacts of its stage are whole.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import zstandard
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from docyard_common.plain import Plain

_Artifact = TypeVar("_Artifact", bound=BaseModel)

MAX_ARTIFACT_BYTES = 256 * 1024 * 1024
"""Largest artifact that is decompressed into memory: far above any batch that is written."""


class Artifact(BaseModel):
    """Frozen, and tolerant of fields that a newer writer added."""

    # A cache of values would keep words of documents that nobody reads any more.
    model_config = ConfigDict(frozen=True, extra="ignore", cache_strings="keys")


class Word(Artifact):
    """A word and the rectangle it fills, in the units of its page, from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float | None = None  # 0 to 1; None where the text was written, not recognised


class Page(Artifact):
    """One page as it was read; what has no pages (text, HTML, CSV) is cut into some."""

    number: int = Field(ge=1)
    text: str
    width: float | None = None  # PDF points or image pixels
    height: float | None = None
    rotation: int = 0  # degrees clockwise, as declared by the document
    heading: str | None = None  # of the section the page begins in, where the format has any
    rows: tuple[tuple[str, ...], ...] | None = None  # of the tables of a spreadsheet, as cells
    words: tuple[Word, ...] | None = None  # where they stand, when `processing_options` asks for it


class PageError(Artifact):
    """A page that could not be read, while others could."""

    number: int = Field(ge=1)
    message: Plain


class PageBatch(Artifact):
    """Where consecutive pages lie together in one object."""

    first: int = Field(ge=1)
    last: int = Field(ge=1)
    key: str


class ExtractManifest(Artifact):
    """The result of extract: complete when it exists."""

    media_type: str
    page_count: int = Field(ge=0)
    characters: int = Field(ge=0)
    batches: tuple[PageBatch, ...] = ()
    page_errors: tuple[PageError, ...] = ()
    thumbnail_key: str | None = None
    extractor: str  # library that read it, for example "pypdfium2"
    metadata: dict[str, Any] = Field(default_factory=dict)  # title, author, EXIF, columns …
    members_key: str | None = None  # of the `MemberList` of a container that has children
    children: int = Field(default=0, ge=0)


class SkipReason(StrEnum):
    """Why something inside a container becomes no document; said to its owner, and counted."""

    UNSUPPORTED_TYPE = "unsupported_type"
    TYPE_MISMATCH = "type_mismatch"
    EMPTY_FILE = "empty_file"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    NOT_A_FILE = "not_a_file"  # links, devices, sparse files
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    TOO_DEEP = "too_deep"
    DECOMPRESSION_LIMIT = "decompression_limit"


class Member(Artifact):
    """A file inside a container that becomes a document of its own."""

    position: int = Field(ge=1)  # in the container's own order: what its id is made from
    path: str  # as the container says it: never a path on any disk
    filename: str
    media_type: str  # by content
    size_bytes: int = Field(ge=1)
    sha256: str
    key: str  # where its bytes lie until the child is accepted
    members_left: int = Field(ge=0)  # how many documents may come out of it, at all depths
    bytes_left: int = Field(ge=0)  # how many bytes these may have together


class MemberList(Artifact):
    """The children of one generation of a container, in the container's own order."""

    members: tuple[Member, ...]


DOCUMENTS = "documents/"
"""Prefix of what stages have made, of any document."""
ORIGINALS = "originals/"
"""Prefix of the bytes that came in through a service."""


PRESIGNED = "presigned/"
"""Prefix of the bytes that clients put straight into the store; its events are listened to."""


def document_prefix(document_id: UUID) -> str:
    """Prefix of everything that stages have made of a document."""
    return f"{DOCUMENTS}{document_id}/"


def original_key(document_id: UUID) -> str:
    """Key of the bytes that came with this document; `object_key` says which it lives on."""
    return f"{ORIGINALS}{document_id}"


def stage_prefix(document_id: UUID, generation: int, stage: str) -> str:
    """Prefix of what one stage of one generation leaves."""
    return f"{document_prefix(document_id)}{generation}/{stage}/"


def manifest_key(document_id: UUID, generation: int, stage: str) -> str:
    return f"{stage_prefix(document_id, generation, stage)}manifest.json.zst"


def pages_prefix(document_id: UUID, generation: int) -> str:
    """Prefix of the page batches; while extract runs, what lies here is readable already."""
    return f"{stage_prefix(document_id, generation, 'extract')}pages/"


def pages_key(document_id: UUID, generation: int, *, first: int, last: int) -> str:
    """Key of a batch; zero-padded, so that keys sort by page."""
    return f"{pages_prefix(document_id, generation)}{first:07d}-{last:07d}.json.zst"


def page_range(key: str) -> tuple[int, int]:
    """Return the first and last page of a batch from its key. Raises ValueError for other keys."""
    first, last = key.rsplit("/", 1)[-1].split(".", 1)[0].split("-")
    return int(first), int(last)


def members_key(document_id: UUID, generation: int) -> str:
    return f"{stage_prefix(document_id, generation, 'extract')}members.json.zst"


def member_prefix(document_id: UUID, generation: int) -> str:
    """Prefix of the bytes of members, which lie there until they are documents of their own."""
    return f"{stage_prefix(document_id, generation, 'extract')}members/"


def member_key(document_id: UUID, generation: int, position: int) -> str:
    return f"{member_prefix(document_id, generation)}{position:07d}"


def thumbnail_key(document_id: UUID, generation: int) -> str:
    return f"{stage_prefix(document_id, generation, 'extract')}thumbnail.webp"


def generation_of(key: str) -> int | None:
    """Return the generation an artifact belongs to; None for the original and foreign keys."""
    parts = key.split("/")
    return int(parts[2]) if len(parts) > 3 and parts[2].isdigit() else None  # noqa: PLR2004


_PAGES = TypeAdapter(tuple[Page, ...], config=ConfigDict(cache_strings="keys"))


def dump(artifact: BaseModel) -> bytes:
    """Write an artifact as zstd-compressed JSON."""
    return zstandard.compress(artifact.model_dump_json().encode())


def load(kind: type[_Artifact], data: bytes) -> _Artifact:
    """Read an artifact. Raises ValueError where *data* is none of that kind."""
    return kind.model_validate_json(_decompress(data))


def dump_pages(pages: Sequence[Page]) -> bytes:
    """Write a batch of pages as zstd-compressed JSON."""
    return zstandard.compress(_PAGES.dump_json(tuple(pages)))


def load_pages(data: bytes) -> tuple[Page, ...]:
    """Read a batch of pages. Raises ValueError where *data* is none."""
    return _PAGES.validate_json(_decompress(data))


def rekeyed(data: bytes, *, old_prefix: str, new_prefix: str) -> bytes:
    """Return a manifest whose keys below *old_prefix* lie below *new_prefix*."""
    return zstandard.compress(_decompress(data).replace(old_prefix.encode(), new_prefix.encode()))


def _decompress(data: bytes) -> bytes:
    try:
        return zstandard.decompress(data, max_output_size=MAX_ARTIFACT_BYTES)
    except zstandard.ZstdError as error:
        raise ValueError("the artifact is not zstd") from error
