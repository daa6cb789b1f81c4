"""Settings of dlq-admin: `DEAD_LETTERS__*`, and what all services share."""

from pydantic import Field

from docyard_common.settings import ServiceSettings, SettingsGroup


class DeadLetterSettings(SettingsGroup):
    """`DEAD_LETTERS__*`: when an entry is parked, and how long the past is kept."""

    max_replays: int = Field(default=5, ge=1, le=1000)
    """What fails after so many replays is parked: replays of its group pass it by."""
    history_days: int = Field(default=90, ge=31, le=3650)
    """How long settled entries are kept; longer than the topics keep dead letters (30 days), so
    that none is indexed again after it was forgotten."""
    sweep_interval_s: float = Field(default=30.0, gt=0)
    """How often entries expire and the figures for dashboards are taken."""


class DlqAdminSettings(ServiceSettings):
    """All that dlq-admin reads from the environment."""

    dead_letters: DeadLetterSettings = DeadLetterSettings()
