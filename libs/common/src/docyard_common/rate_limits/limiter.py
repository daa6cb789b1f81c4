"""Counts by the generic cell rate algorithm: one number a key, exact, no window to play at.

The package does not import this module: the clients it brings take a quarter of a second.
"""

import asyncio
import logging
from typing import Final

from throttled.asyncio import (
    BaseRateLimiter,
    BaseStore,
    MemoryStore,
    RateLimiterRegistry,
    RateLimiterType,
    RedisStore,
    per_min,
)
from throttled.exceptions import StoreUnavailableError

from docyard_common.rate_limits.policy import RatePolicy, Verdict
from docyard_common.resilience import CircuitBreaker, show_state

logger = logging.getLogger(__name__)

_MOST_KEYS: Final = 50_000
"""Callers remembered in the process; whoever was not seen for longest is forgotten first."""
_SHARED_TIMEOUT_S: Final = 0.25
_PREFIX: Final = "docyard:rate"


class RateLimiter:
    """Safe to share between tasks.

    With *shared_url* (`redis://`, `rediss://`, `redis+sentinel://`; Valkey speaks the same) all
    replicas count together. While that server is away each counts by itself: nobody is refused
    because of it, and nobody gets past the limit of one replica.
    """

    def __init__(self, *, shared_url: str | None = None) -> None:
        """Nothing is connected before the first `hit`."""
        self._own = _Counters(MemoryStore(options={"MAX_SIZE": _MOST_KEYS}))
        self._redis = _redis(shared_url) if shared_url else None
        self._shared = _Counters(self._redis) if self._redis else None
        self._breaker = CircuitBreaker(
            "rate_limits", failure_threshold=2, open_s=1.0, on_change=show_state
        )

    async def hit(self, policy: RatePolicy, key: str) -> Verdict:
        """Count one more of *key*, unless it is one too many. Never raises."""
        if self._shared is not None and self._breaker.allow():
            try:
                async with asyncio.timeout(_SHARED_TIMEOUT_S):
                    verdict = await self._shared.hit(policy, key)
            except (StoreUnavailableError, OSError, TimeoutError) as error:
                self._breaker.record_failure()
                logger.warning("rate_limits.alone", extra={"error": type(error).__name__})
            else:
                self._breaker.record_success()
                return verdict
        return await self._own.hit(policy, key)

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            # The library opens them and has no word for closing them.
            client = self._redis._backend.get_client()  # noqa: SLF001
            await client.aclose(close_connection_pool=True)  # type: ignore[attr-defined]


class _Counters:
    """The limiters over one store: one for each pace that is asked for."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self._limiters: dict[tuple[int, int], BaseRateLimiter] = {}

    async def hit(self, policy: RatePolicy, key: str) -> Verdict:
        result = await self._limiter(policy).limit(f"{policy.name}:{key}")
        state = result.state
        return Verdict(
            policy,
            allowed=not result.limited,
            remaining=state.remaining,
            reset_s=state.reset_after,
            retry_after_s=state.retry_after if result.limited else 0.0,
        )

    def _limiter(self, policy: RatePolicy) -> BaseRateLimiter:
        pace = (policy.per_minute, policy.burst)
        if pace not in self._limiters:
            kind = RateLimiterRegistry.get(RateLimiterType.GCRA.value)
            quota = per_min(policy.per_minute, burst=policy.burst)
            self._limiters[pace] = kind(quota, self._store, key_prefix=_PREFIX)
        return self._limiters[pace]


def _redis(url: str) -> RedisStore:
    seconds = {"SOCKET_TIMEOUT": _SHARED_TIMEOUT_S, "SOCKET_CONNECT_TIMEOUT": _SHARED_TIMEOUT_S}
    return RedisStore(server=url, options=seconds)
