"""What the notifier reads from its environment."""

from typing import Final

from pydantic import Field

from docyard_common.settings import ServiceSettings, SettingsGroup

SERVICE: Final = "notifier"
"""Name of the service: its schema, its `ce_source`, the first part of its group names."""


class StreamSettings(SettingsGroup):
    """`STREAM__*`: how patient and how generous a live connection is."""

    connect_timeout_s: float = Field(default=10.0, gt=0)
    """A socket that has not said who it is by then is closed with 4408."""
    heartbeat_s: float = Field(default=15.0, gt=0)
    """Comment lines keep SSE alive; proxies commonly drop a silent connection after 30 s."""
    max_subscriptions: int = Field(default=1_000, ge=1)
    """Documents that one connection may name: a frame of 64 KiB holds about 1,600 ids."""
    max_snapshot: int = Field(default=1_000, ge=1)
    """Unfinished documents that a subscription to `user` is told at once; newest first."""
    max_connections_per_user: int = Field(default=100, ge=1)
    max_bad_messages: int = Field(default=10, ge=1)
    """After so many frames that are no message the connection is closed with 4400."""
    token_in_query: bool = True
    """Whether `?token=` is accepted: browsers can set no header on EventSource and WebSocket."""
    patience_s: float = Field(default=10.0, ge=0)
    """How long a young document may be on its way here before it counts as not found."""
    young_s: float = Field(default=8 * 86_400.0, ge=0)
    """Ids made within this time are young: a document has its id when its upload begins, which may
    take a week (`UPLOADS__EXPIRE_AFTER_S`). What is older would have arrived."""
    drain_s: float = Field(default=0.4, ge=0)
    """Closes at shutdown are spread over this time: the server leaves sessions 0.5 s for it."""


class OutboxSettings(SettingsGroup):
    """`OUTBOX__*`: what waits for one slow reader before it is closed with 4508."""

    max_messages: int = Field(default=4_000, ge=1)
    max_bytes: int = Field(default=1024 * 1024, ge=64 * 1024)
    max_age_s: float = Field(default=10.0, gt=0)


class HistorySettings(SettingsGroup):
    """`HISTORY__*`: how long state changes can be replayed with `since`."""

    facts_days: int = Field(default=7, ge=1)
    recent_s: float = Field(default=60.0, gt=0)
    """How long the memory keeps a document that the database already has."""


class NotifierSettings(ServiceSettings):
    """All settings of the notifier."""

    stream: StreamSettings = StreamSettings()
    outbox: OutboxSettings = OutboxSettings()
    history: HistorySettings = HistorySettings()
