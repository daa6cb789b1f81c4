"""The wire between a slot and its child: length-prefixed frames of a JSON header and raw bytes.

JSON and bytes only: the parent must be able to read what a child sends that an attacker has taken.
"""

import struct
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from docyard_common.analysis import Analysis
from docyard_common.artifacts import PageError
from docyard_common.errors import FailureReason
from docyard_common.media_types import MediaType
from docyard_common.plain import Plain
from processor.sandbox.limits import SandboxLimits
from processor.stages.task import FoundMember, Progress, StageTask, Value

LENGTHS: Final = struct.Struct("!II")  # of header and payload, in bytes
REQUEST: Final = struct.Struct("!I")  # number of a request for a child, and name of its folder


class Assignment(Value):
    """Parent to child: do this, within these limits."""

    task: StageTask
    limits: SandboxLimits
    gives_way: bool = False  # to all that wants the processors, too


class ProgressFrame(Value):
    """A tick."""

    kind: Literal["progress"] = "progress"
    progress: Progress


class PagesFrame(Value):
    """A batch of pages; the payload is the artifact."""

    kind: Literal["pages"] = "pages"
    first: int
    last: int
    characters: int


class MemberDataFrame(Value):
    """The next bytes of a file inside a container: the payload."""

    kind: Literal["member_data"] = "member_data"
    position: int


class MemberFrame(Value):
    """A file inside a container is at its end."""

    kind: Literal["member"] = "member"
    member: FoundMember


class ChunkText(Value):
    """A chunk without its embedding."""

    ordinal: int
    text: str
    page_first: int
    page_last: int
    heading: str | None
    start: int | None
    end: int | None


class ChunksFrame(Value):
    """Some chunks; the payload is their embeddings as rows of float32, little-endian."""

    kind: Literal["chunks"] = "chunks"
    chunks: tuple[ChunkText, ...]
    dimensions: int = Field(ge=1)


class ValidatedFrame(Value):
    """The result of validate."""

    kind: Literal["validated"] = "validated"
    media_type: MediaType
    page_count: int | None


class ExtractedFrame(Value):
    """The result of extract; the payload is the thumbnail, if there is one."""

    kind: Literal["extracted"] = "extracted"
    media_type: MediaType
    page_count: int
    characters: int
    page_errors: tuple[PageError, ...]
    extractor: str
    metadata: dict[str, Any]


class AnalyzedFrame(Value):
    """The result of analyze."""

    kind: Literal["analyzed"] = "analyzed"
    analysis: Analysis
    excerpt: str


class IndexedFrame(Value):
    """All chunks were sent."""

    kind: Literal["indexed"] = "indexed"


class FailedFrame(Value):
    """The stage raised; the child itself is well, or leaves after this."""

    kind: Literal["failed"] = "failed"
    reason: FailureReason
    permanent: bool
    message: Plain  # of foreign bytes, perhaps: JSON takes no half of a surrogate pair
    stack: Plain = ""


Frame: TypeAlias = Annotated[
    ProgressFrame
    | PagesFrame
    | MemberDataFrame
    | MemberFrame
    | ChunksFrame
    | ValidatedFrame
    | ExtractedFrame
    | AnalyzedFrame
    | IndexedFrame
    | FailedFrame,
    Field(discriminator="kind"),
]
FRAME: Final[TypeAdapter[Frame]] = TypeAdapter(Frame)


def pack(header: Value, payload: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    encoded = header.model_dump_json().encode()
    return LENGTHS.pack(len(encoded), len(payload)) + encoded + payload
