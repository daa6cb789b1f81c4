"""Settings that every service shares: one frozen class a group, read once from the environment.

Names are `GROUP__NAME`; groups forbid unknown names, so a typo fails at the start.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsGroup(BaseModel):
    """A group of settings: frozen, and closed to names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(SettingsGroup):
    """`KAFKA__*`: how to reach the brokers."""

    bootstrap_servers: str = "127.0.0.1:9092"
    """Comma-separated `host:port` pairs."""
    topic_prefix: str = Field(default="docyard", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")
    """First part of every topic and group name; several Docyards can share one cluster by it."""
    partitions: int = Field(default=4, ge=1, le=1000)
    """Partitions of each topic that Docyard creates; a one-node broker restarts slower by them."""
    replication_factor: int = Field(default=1, ge=1, le=7)
    session_timeout_ms: int = Field(default=45_000, ge=6_000)
    """Takeover after kill -9 costs one session; running work is carried by leases meanwhile."""
    heartbeat_interval_ms: int = Field(default=1_500, ge=100)

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers as the list that FastStream and aiokafka want."""
        return [server.strip() for server in self.bootstrap_servers.split(",")]


class DatabaseSettings(SettingsGroup):
    """`DATABASE__*`: how to reach PostgreSQL."""

    url: SecretStr = SecretStr("postgresql://postgres@127.0.0.1:5432/postgres")
    """A libpq connection URI; it carries the password, so it is never logged."""
    pool_min: int = Field(default=1, ge=0)
    pool_max: int = Field(default=10, ge=1)
    idle_transaction_s: float = Field(default=20.0, ge=1)
    """A process that was stopped between two statements keeps its locks for so long."""
    transaction_s: float = Field(default=60.0, ge=1)
    """No transaction lasts longer: that of a process that was stopped in the middle of a pipeline
    does not count as idle. What writes to the search index may last ten times as long."""


class ObjectStoreSettings(SettingsGroup):
    """`OBJECT_STORE__*`: how to reach the S3 store."""

    endpoint: str = "127.0.0.1:8333"
    """`host:port`, without a scheme."""
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    bucket: str = "docyard"
    region: str = "us-east-1"
    secure: bool = False
    """Whether to speak TLS."""
    public_endpoint: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
    """Where clients reach the store, for presigned URLs; empty: where we reach it."""


class AuthSettings(SettingsGroup):
    """`AUTH__*`: which tokens are believed. Exactly one of `secret` and `jwks_url` is set."""

    secret: SecretStr | None = None
    """Shared secret for HS256; at least 32 bytes (RFC 7518, 3.2)."""
    jwks_url: str | None = None
    """Where the public keys for RS256 and ES256 are."""
    audience: str = "docyard"
    issuer: str = "docyard"
    roles_claim: str = "roles"
    leeway_s: int = Field(default=10, ge=0, le=300)


class HttpSettings(SettingsGroup):
    """`HTTP__*`: where the service listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    metrics_port: int = Field(default=0, ge=0, le=65_535)
    """Internal port with `/metrics` and `/health` alone: for what watches the service."""
    cors_origins: tuple[str, ...] = ()


class LogSettings(SettingsGroup):
    """`LOG__*`."""

    level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")


class TracingSettings(SettingsGroup):
    """`TRACING__*`: where spans go; empty keeps trace ids in logs and headers, exports nothing."""

    otlp_endpoint: str = ""
    """Base address of an OTLP/HTTP collector, for example `http://127.0.0.1:4318`."""


class LanguageModelSettings(SettingsGroup):
    """How to reach a language model; services give the group its name and its limits."""

    base_url: str = Field(default="", pattern=r"^(https?://[^\s]+)?$")
    """Of an API that speaks OpenAI's chat completions, for example `http://127.0.0.1:11434/v1`."""
    model: str = Field(default="", max_length=200)
    api_key: SecretStr | None = None
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """For a whole answer; then it is done without."""


class EmbeddingSettings(SettingsGroup):
    """`EMBEDDINGS__*`: the model that finds passages by meaning; the same for ingest and processor.

    What was indexed with another one is embedded again in the background.
    """

    folder: Path | None = None
    """With `weights/custom_256.safetensors` and `tokenizers/custom_tokenizer_config.json`, in the
    format of wordllama, for 256 numbers; without it the model in wordllama's wheel."""


class ServiceSettings(BaseSettings):
    """What every service reads; each adds its own groups."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    database: DatabaseSettings = DatabaseSettings()
    object_store: ObjectStoreSettings = ObjectStoreSettings()
    auth: AuthSettings = AuthSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
