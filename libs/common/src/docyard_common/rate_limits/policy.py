"""Rates as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RatePolicy:
    """So many a minute, *burst* of them at once; what was used grows back evenly."""

    name: str  # of what is counted: requests, uploads
    per_minute: int  # 1 or more
    burst: int  # 1 or more


@dataclass(frozen=True)
class Verdict:
    """What counting one more has come to."""

    policy: RatePolicy
    allowed: bool
    remaining: int  # that may come at once
    reset_s: float  # until nothing counts any more
    retry_after_s: float  # until the next one may come; 0 where it is allowed
