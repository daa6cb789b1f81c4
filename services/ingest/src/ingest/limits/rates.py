"""How often a caller may call: by what kind of caller it is, and what is set for the owner."""

from dataclasses import dataclass

from docyard_common.auth import Principal
from ingest.limits.owner_limits import LimitOverrides
from ingest.settings import LimitSettings, RateSettings


@dataclass(frozen=True)
class Rates:
    """What holds for one caller; 0 is no limit."""

    requests_per_minute: int
    request_burst: int
    uploads_per_minute: int


def rates_of(caller: Principal, settings: LimitSettings, overrides: LimitOverrides) -> Rates:
    """Return what holds: the owner's own numbers win over those of the caller's kind."""
    kind = _kind(caller, settings)
    return Rates(
        _either(overrides.requests_per_minute, kind.requests_per_minute),
        _either(overrides.request_burst, kind.request_burst),
        _either(overrides.uploads_per_minute, kind.uploads_per_minute),
    )


def _kind(caller: Principal, settings: LimitSettings) -> LimitSettings | RateSettings:
    if caller.is_machine:
        return settings.machines
    return settings.operators if caller.has("operator") else settings


def _either(told: int | None, default: int) -> int:
    return default if told is None else told
