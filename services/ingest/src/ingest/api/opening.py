"""What a client says of a file before it sends it, as JSON."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.auth import Principal
from docyard_common.events.stages import Priority
from ingest.api.options import Options
from ingest.api.problems import QUOTA_REFUSALS, refusals
from ingest.api.upload_models import KnownDocument
from ingest.document import IdempotencyClaim
from ingest.settings import LimitSettings
from ingest.upload import Announcement, UploadMode
from ingest.uploads.fields import METADATA, require_known, require_storable
from ingest.uploads.reception import fingerprint
from ingest.uploads.standing import require_filename

_REFUSALS: Final = (
    *QUOTA_REFUSALS,
    "FILE_TOO_LARGE",
    "UNSUPPORTED_TYPE",
    "TYPE_MISMATCH",
    "EMPTY_FILE",
    "FILENAME_INVALID",
    "FIELD_INVALID",
    "IDEMPOTENCY_KEY_INVALID",
    "IDEMPOTENCY_KEY_REUSED",
)


class InitiateUpload(BaseModel):
    """A file that is about to be sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filename: str = Field(max_length=4096, examples=["report.pdf"])
    file_size: int = Field(ge=0, description="In bytes.")
    content_type: str | None = Field(
        default=None, max_length=255, pattern=r"^[\x20-\x7e]*$", examples=["application/pdf"]
    )
    document_type: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[\x20-\x7e]*$",
        description="What the client calls this kind of document; kept in its metadata.",
    )
    processing_options: Options = Field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    metadata: dict[str, Any] = Field(default_factory=dict)
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="Of the whole file, in hex. Stated, it asks for deduplication.",
    )


def opening_responses(opened: Any, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that opens uploads: *opened* is what 201 answers."""
    return refusals(*_REFUSALS) | {
        200: {"model": KnownDocument, "description": "The content is known"},
        201: {"model": opened, "description": description},
    }


def announced(
    body: InitiateUpload, caller: Principal, mode: UploadMode, limits: LimitSettings
) -> Announcement:
    """Return *body* as it is kept. Raises FilenameInvalidError or FieldInvalidError."""
    metadata = dict(body.metadata)
    if body.document_type:
        metadata.setdefault("document_type", body.document_type)
    largest = limits.max_metadata_bytes
    return Announcement(
        owner=caller.subject,
        mode=mode,
        filename=require_filename(body.filename),
        declared_type=body.content_type,
        size_bytes=body.file_size,
        sha256=body.sha256.lower() if body.sha256 else None,
        priority=body.priority,
        options=require_known(body.processing_options),
        metadata=require_storable(METADATA, metadata, max_bytes=largest),
    )


def claim_of(
    body: InitiateUpload, caller: Principal, route: str, key: str | None
) -> IdempotencyClaim | None:
    """Return what the idempotency key stands for; None without one. *body* must be storable."""
    if key is None:
        return None
    return IdempotencyClaim(caller.subject, route, key, fingerprint(body.model_dump(mode="json")))
