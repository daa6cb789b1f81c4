"""Settings of ingest: its own groups of environment variables, and what all services share."""

import os
from pathlib import Path

from pydantic import Field, PositiveInt, SecretStr

from docyard_common.settings import (
    EmbeddingSettings,
    LanguageModelSettings,
    ServiceSettings,
    SettingsGroup,
)

_MIB = 1024 * 1024
_TIERS = {
    "small": 10 * _MIB,
    "medium": 25 * _MIB,
    "large": 50 * _MIB,
    "xlarge": 100 * _MIB,
    "huge": 5 * 1024 * _MIB,
}


class RateSettings(SettingsGroup):
    """How often one kind of caller may call; 0 sets no limit."""

    requests_per_minute: int = Field(default=600, ge=0)
    request_burst: int = Field(default=100, ge=1)
    """Requests that may come at once; what is used of them grows back at the rate."""
    uploads_per_minute: int = Field(default=0, ge=0)
    """Uploads begun; as many may come at once. The parts of an upload are not counted."""


class LimitSettings(SettingsGroup):
    """`LIMITS__*`: what one owner may upload and how often; 0 sets no limit where it is allowed.

    Operators change all of it for one owner while the service runs.
    """

    max_file_bytes: int = Field(default=100 * _MIB, gt=0, le=64 * 1024 * _MIB)
    """Larger files are refused while they arrive; S3's 10,000 parts of 8 MiB hold 78 GiB."""
    tiers: dict[str, PositiveInt] = Field(default_factory=lambda: dict(_TIERS))
    """Names for sizes of files, in bytes, that an owner can be given."""
    max_metadata_bytes: int = Field(default=16 * 1024, gt=0, le=256 * 1024)
    """Of `metadata`, and of `processing_options`: both travel in events, whose limit is 1 MiB."""
    max_files_per_upload: int = Field(default=10, ge=1, le=1000)
    """Files of one batch."""
    max_batch_bytes: int = Field(default=0, ge=0)
    """All files of one batch together; 0 allows as many full files as a batch may hold."""
    max_stored_bytes: int = Field(default=0, ge=0)
    """Bytes of all documents of one owner."""
    max_documents: int = Field(default=0, ge=0)
    """Documents of one owner."""
    max_uploads_in_flight: int = Field(default=64, ge=0)
    """Uploads of one owner that have begun and not ended, over all replicas."""
    cached_s: float = Field(default=2.0, ge=0, le=60)
    """What an operator changes for one owner is seen by every replica within this time."""

    requests_per_minute: int = Field(default=60, ge=0)
    """Of a user; health and metrics are not counted."""
    request_burst: int = Field(default=10, ge=1)
    uploads_per_minute: int = Field(default=10, ge=0)
    operators: RateSettings = RateSettings()
    """Of callers with the role operator or admin."""
    machines: RateSettings = RateSettings(requests_per_minute=6000, request_burst=1000)
    """Of callers with an API key."""
    shared_url: SecretStr | None = None
    """`redis://host:6379/0`, also for Valkey: replicas count together; unset, each by itself."""


class UploadSettings(SettingsGroup):
    """`UPLOADS__*`: how bytes flow to the store, and how much memory that may take."""

    part_bytes: int = Field(default=8 * _MIB, ge=5 * _MIB, le=256 * _MIB)
    """Size of a part; files up to this size are stored by one put. S3 wants 5 MiB or more."""
    parts_in_flight: int = Field(default=3, ge=1, le=16)
    """Parts of one upload that are on their way while the next one fills."""
    stores_in_flight: int = Field(default=8, ge=1, le=256)
    """Parts and small files of all uploads together that are on their way at once."""
    hash_ahead_bytes: int = Field(default=64 * _MIB, ge=0, le=16 * 1024 * _MIB)
    """Parts of all uploads that wait in memory to be hashed after an earlier one; of what finds
    no room the rest of its upload is read again when it is completed."""
    concurrent: int = Field(default=64, ge=1, le=10_000)
    """Bodies read at once; memory is bound by this many parts plus those in flight."""
    concurrent_per_owner: int | None = Field(default=None, ge=1, le=10_000)
    """Of them those of one owner; None is half of them: nobody alone takes the slots from all."""
    slot_wait_s: float = Field(default=30.0, gt=0, le=300)
    """A body that finds no free slot waits this long, then its client is told to come back."""
    expire_after_s: float = Field(default=86_400.0, ge=60, le=7 * 86_400)
    """An upload in several requests to which nothing is added for so long is given up."""
    presign_parts_above_bytes: int = Field(default=64 * _MIB, ge=5 * _MIB, le=5 * 1024 * _MIB)
    """Larger files get a presigned URL for each part; S3 takes no single put above 5 GiB."""
    complete_wait_s: float = Field(default=30.0, ge=0, le=300)
    """Who completes an upload that another request is completing waits so long for its end."""
    idle_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """A client that sends nothing for so long has gone."""
    least_bytes_per_s: int = Field(default=512, ge=0, le=1024 * 1024)
    """A body that comes slower, averaged over `idle_timeout_s` and more, would hold its slot for
    nearly ever; eight at once over a modem of 56 kbit/s come faster. 0 sets no limit."""


class StoreEventSettings(SettingsGroup):
    """`STORE_EVENTS__*`: how the store tells that a client has put something."""

    token: SecretStr = SecretStr("")
    """What a store's webhook must bring as its bearer token; empty shuts that door."""
    arrivals_after_s: float = Field(default=60.0, gt=0)
    """Presigned uploads older than this are looked for by the sweep: their event may be lost."""


class PublicSettings(SettingsGroup):
    """`PUBLIC__*`: addresses that answers link to."""

    notifier_url: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    """Where clients reach the notifier; empty makes its links relative to this service."""


class SearchSettings(SettingsGroup):
    """`SEARCH__*`: how queries are answered."""

    warm: bool = True
    """Load the model beside the start, not with the first search by meaning: 150 MB, 2 s."""


class ChatSettings(LanguageModelSettings):
    """`CHAT__*`: the language model that writes answers; without one they are quoted."""

    max_context_characters: int = Field(default=24_000, ge=1000, le=1_000_000)
    """Of passages sent with a question: what an answer may cost to read."""
    max_answer_tokens: int = Field(default=800, ge=16, le=32_000)


class SweepSettings(SettingsGroup):
    """`SWEEP__*`: how what a kill -9 left behind is found and removed."""

    interval_s: float = Field(default=900.0, gt=0)
    orphan_age_s: float = Field(default=3600.0, gt=0)
    """Objects younger than this may still get their row."""
    longest_upload_s: float = Field(default=86_400.0, gt=0)
    """Multipart uploads older than this are dead; orphans of older uploads are looked for too."""
    stuck_s: float = Field(default=7200.0, gt=0)
    """A document in work that nothing was heard of for so long is asked for again: twice the
    longest run of a stage. The processor leaves alone what only waits."""
    idempotency_keys_s: float = Field(default=86_400.0, gt=0)
    """How long an `Idempotency-Key` is remembered."""
    ended_uploads_s: float = Field(default=7 * 86_400.0, gt=0)
    """How long an upload that has ended is remembered: what its `complete` answers again."""
    ended_operations_s: float = Field(default=30 * 86_400.0, gt=0)
    """How long a bulk operation that has ended, and what became of each document, can be read."""
    tombstones_s: float = Field(default=8 * 86_400.0, gt=0)
    """How long a deleted id answers 204 again; longer than `documents.events` keeps its facts."""


class SyncSettings(SettingsGroup):
    """`SYNC__*`: folder jobs."""

    roots: str = ""
    """Folders below which jobs may read, separated as in `PATH`; without any there are no jobs.

    A replica works only on jobs whose folder lies below its own roots.
    """
    bucket: str = ""
    """Where files go when a job names no bucket; empty is `OBJECT_STORE__BUCKET` and `-sync`."""
    workers: int = Field(default=5, ge=1, le=64)
    """Files of all jobs of a replica that are read and sent at once."""
    jobs: int = Field(default=8, ge=1, le=100)
    """Jobs of a replica that are worked on at once; watched jobs hold none while nothing is due."""
    parts_in_flight: int = Field(default=8, ge=1, le=64)
    """Parts of large files that are in memory at once, of 5 MiB and more."""
    max_file_bytes: int = Field(default=256 * 1024 * _MIB, gt=0, le=5 * 1024 * 1024 * _MIB)
    """Larger files are FILE_TOO_LARGE; of a file this large a part is 26 MiB."""
    compare_etags: bool = True
    """Whether the store's ETags are MD5s, as S3's are without KMS; else sizes are compared."""
    scan_every_s: float = Field(default=60.0, ge=0.1)
    """Between two scans of a watched folder; a seen change brings the next one forward."""
    stable_s: float = Field(default=2.0, ge=0)
    """A file is taken when it was not written to for so long."""
    settle_attempts: int = Field(default=5, ge=1, le=20)
    """A file found changing again and again is given up after so many doubling waits."""
    lease_s: float = Field(default=10.0, ge=1)
    """How long a job stays with a replica that was killed."""


class RetentionSettings(SettingsGroup):
    """`RETENTION__*`: days after a document's end; none keeps it until somebody deletes it."""

    documents_days: int | None = Field(default=None, ge=1, le=36_500)
    originals_days: int | None = Field(default=None, ge=1, le=36_500)
    """The uploaded bytes go; text, index and metadata stay."""
    artifacts_days: int | None = Field(default=None, ge=1, le=36_500)
    """Text, pages, thumbnail, index and graph go; the row, its metadata and the bytes stay."""
    events_days: int | None = Field(default=None, ge=1, le=36_500)


class IngestSettings(ServiceSettings):
    """All that ingest reads from the environment."""

    limits: LimitSettings = LimitSettings()
    uploads: UploadSettings = UploadSettings()
    store_events: StoreEventSettings = StoreEventSettings()
    public: PublicSettings = PublicSettings()
    search: SearchSettings = SearchSettings()
    chat: ChatSettings = ChatSettings()
    sweep: SweepSettings = SweepSettings()
    retention: RetentionSettings = RetentionSettings()
    sync: SyncSettings = SyncSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    sync_roots: str = ""
    """`SYNC_ROOTS`: stands in for `SYNC__ROOTS` where that is not set."""

    @property
    def root_folders(self) -> tuple[Path, ...]:
        """The folders below which folder jobs may read."""
        given = self.sync.roots or self.sync_roots
        return tuple(Path(root) for root in given.split(os.pathsep) if root)
