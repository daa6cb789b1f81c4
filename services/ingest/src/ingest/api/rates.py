"""Which rates hold for a request: all are counted, and uploads once more where they begin."""

import re
from typing import Final

from fastapi import Request

from docyard_common.auth import Principal
from docyard_common.rate_limits import RatePolicy
from ingest.limits.rates import rates_of
from ingest.limits.source import LimitSource

_BEGINS: Final = re.compile(
    r"/api/v1/documents/upload/(simple|batch|initiate|presign)|/api/chat/upload/async|/tus/?"
)
_GOES_ON: Final = re.compile(r"/api/v1/documents/upload/(chunk|[^/]+/parts/[^/]+)|/tus/[^/]+")


class RateChooser:
    """Looks up what the operator has set for the caller."""

    def __init__(self, *, source: LimitSource) -> None:
        self._source = source

    async def of(self, request: Request, caller: Principal) -> list[RatePolicy]:
        """Return the policies, the tightest first. Raises DependencyUnavailableError.

        The parts of an upload are not counted: it was when it began, and its size decides how many
        they are.
        """
        method, path = request.method, request.scope["path"]
        if goes_on(method, path):
            return []
        limits = await self._source.of(caller.subject)
        rates = rates_of(caller, self._source.settings, limits.overrides)
        policies = []
        if rates.uploads_per_minute and begins(method, path):
            count = rates.uploads_per_minute
            policies.append(RatePolicy("uploads", count, burst=count))
        if rates.requests_per_minute:
            policies.append(RatePolicy("requests", rates.requests_per_minute, rates.request_burst))
        return policies


def begins(method: str, path: str) -> bool:
    """Whether a request begins an upload; a batch is one."""
    return method == "POST" and _BEGINS.fullmatch(path) is not None


def goes_on(method: str, path: str) -> bool:
    """Whether a request carries on an upload that has begun."""
    return method in {"POST", "PUT", "PATCH", "HEAD"} and _GOES_ON.fullmatch(path) is not None
