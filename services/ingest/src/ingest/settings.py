"""Settings of ingest: its own groups of environment variables, and what all services share."""

from pydantic import Field

from docyard_common.settings import ServiceSettings, SettingsGroup

_MIB = 1024 * 1024


class LimitSettings(SettingsGroup):
    """`LIMITS__*`: what an upload may hold; `GET /files/security/config` tells clients."""

    max_file_bytes: int = Field(default=100 * _MIB, gt=0, le=64 * 1024 * _MIB)
    """Larger files are refused while they arrive; S3's 10,000 parts of 8 MiB hold 78 GiB."""
    max_metadata_bytes: int = Field(default=16 * 1024, gt=0, le=256 * 1024)
    """Of `metadata`, and of `processing_options`: both travel in events, whose limit is 1 MiB."""


class UploadSettings(SettingsGroup):
    """`UPLOADS__*`: how bytes flow to the store, and how much memory that may take."""

    part_bytes: int = Field(default=8 * _MIB, ge=5 * _MIB, le=256 * _MIB)
    """Size of a part; files up to this size are stored by one put. S3 wants 5 MiB or more."""
    parts_in_flight: int = Field(default=3, ge=1, le=16)
    """Parts of one upload that are on their way while the next one fills."""
    stores_in_flight: int = Field(default=8, ge=1, le=256)
    """Parts and small files of all uploads together that are on their way at once."""
    concurrent: int = Field(default=64, ge=1, le=10_000)
    """Bodies read at once; memory is bound by this many parts plus those in flight."""
    slot_wait_s: float = Field(default=30.0, gt=0, le=300)
    """An upload that finds no free slot waits this long, then is told to come back."""
    idle_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """A client that sends nothing for so long has gone."""


class PublicSettings(SettingsGroup):
    """`PUBLIC__*`: addresses that answers link to."""

    notifier_url: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    """Where clients reach the notifier; empty makes its links relative to this service."""


class SearchSettings(SettingsGroup):
    """`SEARCH__*`: how queries are answered."""

    warm: bool = True
    """Load the model beside the start, not with the first search by meaning: 150 MB, 2 s."""


class SweepSettings(SettingsGroup):
    """`SWEEP__*`: how what a kill -9 left behind is found and removed."""

    interval_s: float = Field(default=900.0, gt=0)
    orphan_age_s: float = Field(default=3600.0, gt=0)
    """Objects younger than this may still get their row."""
    longest_upload_s: float = Field(default=86_400.0, gt=0)
    """Multipart uploads older than this are dead; orphans of older uploads are looked for too."""
    idempotency_keys_s: float = Field(default=86_400.0, gt=0)
    """How long an `Idempotency-Key` is remembered."""
    tombstones_s: float = Field(default=8 * 86_400.0, gt=0)
    """How long a deleted id answers 204 again; longer than `documents.events` keeps its facts."""


class IngestSettings(ServiceSettings):
    """All that ingest reads from the environment."""

    limits: LimitSettings = LimitSettings()
    uploads: UploadSettings = UploadSettings()
    public: PublicSettings = PublicSettings()
    search: SearchSettings = SearchSettings()
    sweep: SweepSettings = SweepSettings()
