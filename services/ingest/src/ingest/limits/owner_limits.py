"""The limits of one owner as values: the defaults of the service, and what operators set beside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ingest.settings import LimitSettings

CUSTOM: Final = "custom"
"""The tier of a size that has no name."""


class LimitOverrides(BaseModel):
    """What is set for one owner; what is left out has its default, 0 sets no limit.

    A `tier` names the size of files; `max_file_bytes` beside it wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: str | None = Field(default=None, max_length=64)
    max_file_bytes: int | None = Field(default=None, gt=0, le=64 * 1024**3)
    max_stored_bytes: int | None = Field(default=None, ge=0, le=2**62)
    max_documents: int | None = Field(default=None, ge=0, le=2**62)
    max_uploads_in_flight: int | None = Field(default=None, ge=0, le=100_000)
    requests_per_minute: int | None = Field(default=None, ge=0, le=10_000_000)
    request_burst: int | None = Field(default=None, ge=1, le=10_000_000)
    uploads_per_minute: int | None = Field(default=None, ge=0, le=10_000_000)


@dataclass(frozen=True)
class OwnerLimits:
    """What holds for one owner; 0 is no limit, but for `max_file_bytes`."""

    tier: str
    max_file_bytes: int
    max_stored_bytes: int
    max_documents: int
    max_uploads_in_flight: int
    overrides: LimitOverrides

    @property
    def has_quota(self) -> bool:
        return bool(self.max_stored_bytes or self.max_documents)


def resolved(settings: LimitSettings, overrides: Mapping[str, Any] | None) -> OwnerLimits:
    """Return what holds where *overrides* are set.

    Tolerant of what is stored: a tier that the settings know no more counts as the default.
    """
    told = LimitOverrides.model_validate(overrides or {})
    size = told.max_file_bytes or settings.tiers.get(told.tier or "", settings.max_file_bytes)
    return OwnerLimits(
        tier=tier_of(settings, size, preferred=told.tier),
        max_file_bytes=size,
        max_stored_bytes=_either(told.max_stored_bytes, settings.max_stored_bytes),
        max_documents=_either(told.max_documents, settings.max_documents),
        max_uploads_in_flight=_either(told.max_uploads_in_flight, settings.max_uploads_in_flight),
        overrides=told,
    )


def tier_of(settings: LimitSettings, max_file_bytes: int, *, preferred: str | None = None) -> str:
    """Return the name of a size: *preferred* if it fits, `custom` where there is none."""
    names = [name for name, size in settings.tiers.items() if size == max_file_bytes]
    return preferred if preferred in names else next(iter(names), CUSTOM)


def _either(told: int | None, default: int) -> int:
    return default if told is None else told
