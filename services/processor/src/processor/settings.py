"""What the processor reads from its environment."""

from enum import StrEnum

from pydantic import Field

from docyard_common.events.stages import Stage
from docyard_common.language_model.tokens import CHARACTERS_PER_TOKEN, estimated_tokens
from docyard_common.media_types import MediaType
from docyard_common.processing_options import OCR_LANGUAGES
from docyard_common.settings import (
    EmbeddingSettings,
    LanguageModelSettings,
    ServiceSettings,
    SettingsGroup,
)

_MIB = 1024 * 1024


class SlotSettings(SettingsGroup):
    """`PROCESSOR__*`: which stages run here, and how work is handed to slots."""

    stages: tuple[Stage, ...] = tuple(Stage)
    """Stages of this process, as a JSON list; each can be a deployment of its own."""
    slots: int = Field(default=4, ge=1, le=64)
    """Documents at once per stage, each in a child of its own; 4 leaves every lane a place."""
    lease_s: float = Field(default=30.0, ge=1.0)
    """A worker that is gone is noticed after this long; renewed at a third of it."""
    work_waiting_max: int = Field(default=2000, ge=1)
    """Rows of a lane that may wait in the table; what is more stays in Kafka, as lag. Owners take
    turns within the table alone: somebody behind so many records of another waits for them."""
    cpu_throttle: float = Field(default=0.8, gt=0, le=1)
    """Above this share of the machine's processors, documents of the lane low begin only while
    fewer run here than there are processors, and bulky ones while fewer of them do. 1 never
    throttles; beside small documents, bulky ones have no more than half of them anyway."""
    memory_budget_bytes: int | None = Field(default=None, ge=64 * _MIB)
    """What all documents that run here may need together, by estimate; without it 70 % of what the
    control group or the machine has. A document that needs more runs alone."""
    memory_patience_s: float = Field(default=30.0, ge=0)
    """A document that has waited longer for memory alone is waited for: nothing begins that would
    take its place."""
    reuse_results: bool = True
    """Take over the result of an equal document of the same owner instead of making it again;
    an upload says no by `processing_options.reuse: false`."""
    max_deliveries: int = Field(default=5, ge=1)
    """Picks without a clean end before a document counts as killing its workers."""
    max_attempts: int = Field(default=3, ge=1)
    first_delay_s: float = Field(default=5.0, gt=0)
    """Wait before the second attempt; each further one waits six times as long."""
    bulky_bytes: int = Field(default=50 * _MIB, ge=1)
    bulky_pages: int = Field(default=500, ge=1)
    """Larger documents use the size lane: at 5 minutes of work they would hold every slot."""


class ChildSettings(SettingsGroup):
    """`CHILD__*`: what one document may cost the child process that works on it."""

    memory_bytes: int = Field(default=2048 * _MIB, ge=64 * _MIB)
    memory_soft_bytes: int = Field(default=1500 * _MIB, ge=64 * _MIB)
    """A child that has grown beyond this is replaced after its document."""
    total_s: float = Field(default=3600.0, gt=0)
    no_progress_s: float = Field(default=300.0, gt=0)
    max_pages: int = Field(default=50_000, ge=1)
    """More are refused as too large: ten times the longest printed books."""
    max_pixels: int = Field(default=120_000_000, ge=1)
    """Of a picture, looked at before it is decoded: 120 MP in RGBA are 480 MB."""
    max_characters: int = Field(default=50_000_000, ge=1)
    """Of the text of one document: about 25,000 full pages."""
    ocr: bool = True
    """Look at pictures, and at pages without text, where the program tesseract is installed."""
    ocr_seconds: float = Field(default=1_200.0, ge=0)
    """Processor time for looking at the pictures of one document."""
    ocr_language: str = Field(default="eng", pattern=OCR_LANGUAGES)
    """Languages of what is looked at, by ISO 639-2, joined by `+`; an upload may name others."""


class RemoteKind(StrEnum):
    """Which protocol a remote extractor speaks."""

    TIKA = "tika"
    DOCLING = "docling"


class RemoteSettings(SettingsGroup):
    """`EXTRACTOR__*`: a server that reads documents in the place of the built-in extractors."""

    url: str = Field(default="", pattern=r"^(https?://.+)?$")
    """Of a Tika server or docling-serve; without it nothing leaves this process."""
    kind: RemoteKind = RemoteKind.TIKA
    types: tuple[MediaType, ...] = ()
    """Media types that it reads, as a JSON list."""
    timeout_s: float = Field(default=300.0, gt=0)
    max_bytes: int = Field(default=64 * _MIB, ge=1024)
    """Of an answer: the text of some 25,000 pages."""


class ModelSettings(LanguageModelSettings):
    """`MODEL__*`: a language model that describes documents; without one the plain methods do.

    What it may cost is counted over all replicas, in its own tokens where it tells them.
    """

    max_answer_tokens: int = Field(default=600, ge=64, le=8_000)
    document_tokens: int = Field(default=6_000, ge=1_500, le=1_000_000)
    """For one generation of a document, question and answer: it says how much text is sent."""
    document_requests: int = Field(default=2, ge=1, le=10)
    """For one generation of a document; a run that died may have asked before."""
    day_tokens: int = Field(default=0, ge=0)
    """For all documents of a day (UTC); 0 sets no limit."""
    day_requests: int = Field(default=0, ge=0)
    """For all documents of a day (UTC); 0 sets no limit."""

    def excerpt_bytes(self, *, rules: str) -> int:
        """Return how many bytes of text a document's budget pays for, beside *rules*."""
        left = self.document_tokens - self.max_answer_tokens - estimated_tokens(rules)
        return max(0, left - 1) * CHARACTERS_PER_TOKEN


class ContainerSettings(SettingsGroup):
    """`CONTAINERS__*`: how much may come out of archives and mails."""

    max_members: int = Field(default=10_000, ge=0)
    """Documents that may come out of one upload, at all depths together."""
    max_member_bytes: int = Field(default=100 * _MIB, ge=1)
    """Of one file inside; as large as an upload may be by default (`LIMITS__MAX_FILE_BYTES`)."""
    max_unfolded_bytes: int = Field(default=4096 * _MIB, ge=0)
    """Of all files that come out of one upload, at all depths together."""
    max_ratio: int = Field(default=100, ge=1)
    """Unfolded size by stored size; so much beyond 64 MiB is a bomb."""
    max_depth: int = Field(default=5, ge=0)
    """Containers in containers; 0 lists what is inside, and makes no documents of it."""


class ProcessorSettings(ServiceSettings):
    """All settings of the processor."""

    processor: SlotSettings = SlotSettings()
    child: ChildSettings = ChildSettings()
    extractor: RemoteSettings = RemoteSettings()
    model: ModelSettings = ModelSettings()
    containers: ContainerSettings = ContainerSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
