"""What the routes about limits answer; null is no limit."""

from datetime import datetime

from pydantic import Field

from ingest.api.models import Answer
from ingest.api.upload_models import AllowedType
from ingest.limits.owner_limits import LimitOverrides, OwnerLimits
from ingest.limits.rates import Rates
from ingest.tables.usage import Usage


class Used(Answer):
    """How much of something is used."""

    used: int
    limit: int | None
    remaining: int | None

    @classmethod
    def of(cls, used: int, limit: int) -> "Used":
        if not limit:
            return cls(used=used, limit=None, remaining=None)
        return cls(used=used, limit=limit, remaining=max(limit - used, 0))


class RatesOut(Answer):
    """How often the caller may call."""

    requests_per_minute: int | None
    request_burst: int | None  # requests at once
    uploads_per_minute: int | None

    @classmethod
    def of(cls, rates: Rates) -> "RatesOut":
        return cls(
            requests_per_minute=rates.requests_per_minute or None,
            request_burst=rates.request_burst if rates.requests_per_minute else None,
            uploads_per_minute=rates.uploads_per_minute or None,
        )


class QuotaOut(Answer):
    """What the caller may upload, and what is used of it."""

    tier: str
    max_file_bytes: int
    stored_bytes: Used
    documents: Used
    uploads_in_flight: Used
    rates: RatesOut

    @classmethod
    def of(cls, limits: OwnerLimits, used: Usage, rates: Rates) -> "QuotaOut":
        return cls(
            tier=limits.tier,
            max_file_bytes=limits.max_file_bytes,
            stored_bytes=Used.of(used.stored_bytes, limits.max_stored_bytes),
            documents=Used.of(used.documents, limits.max_documents),
            uploads_in_flight=Used.of(used.open_uploads, limits.max_uploads_in_flight),
            rates=RatesOut.of(rates),
        )


class OwnerLimitsOut(Answer):
    """What holds for one owner, what of it is set for them alone, and what they use."""

    owner: str
    tier: str
    max_file_bytes: int
    stored_bytes: Used
    documents: Used
    uploads_in_flight: Used
    overrides: LimitOverrides

    @classmethod
    def of(cls, owner: str, limits: OwnerLimits, used: Usage) -> "OwnerLimitsOut":
        return cls(
            owner=owner,
            tier=limits.tier,
            max_file_bytes=limits.max_file_bytes,
            stored_bytes=Used.of(used.stored_bytes, limits.max_stored_bytes),
            documents=Used.of(used.documents, limits.max_documents),
            uploads_in_flight=Used.of(used.open_uploads, limits.max_uploads_in_flight),
            overrides=limits.overrides,
        )


class LimitChangeOut(Answer):
    """One change; null stands for the defaults."""

    at: datetime
    actor: str
    before: LimitOverrides | None
    after: LimitOverrides | None


class LimitChangeList(Answer):
    """Newest first."""

    items: list[LimitChangeOut]
    next_cursor: str | None


class Tier(Answer):
    """A size of files that has a name."""

    name: str
    max_file_bytes: int


class ScanPolicy(Answer):
    """What is looked at before a file is accepted."""

    checks: list[str] = Field(
        default=["extension", "declared_type", "content_signature", "size", "sha256"]
    )
    on_mismatch: str = "refused, and nothing is stored"
    malware_scanner: str | None = None  # none is built in; documents are only ever read as data


class SecurityConfig(Answer):
    """What a client can check before it sends anything."""

    tier: str
    max_file_bytes: int
    max_files_per_upload: int
    max_batch_bytes: int
    max_metadata_bytes: int
    tiers: list[Tier]
    allowed_types: list[AllowedType]
    scan_policy: ScanPolicy
