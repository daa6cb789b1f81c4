"""Holds callers to their rates, and tells them what is left.

The fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names what holds,
`RateLimit` what is left of it, both as lists of structured fields (RFC 9651).
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docyard_common.auth import Principal
from docyard_common.http.problems import Problem
from docyard_common.rate_limits import RatePolicy, Verdict

if TYPE_CHECKING:
    from docyard_common.rate_limits.limiter import RateLimiter

ChoosePolicies: TypeAlias = Callable[[Request, Principal], Awaitable[Sequence[RatePolicy]]]
"""Which rates hold for this request of this caller; none for one that is not counted."""

_VERDICTS: Final = "docyard.rate_verdicts"
_WINDOW_S: Final = 60


def limit_rates_with(app: FastAPI, limiter: "RateLimiter", choose: ChoosePolicies) -> None:
    """Let every route of *app* that knows its caller hold them to what *choose* says."""
    app.state.rate_limiter = limiter
    app.state.choose_rate_policies = choose
    app.add_middleware(RateLimitFields)


async def admit(request: Request, caller: Principal) -> None:
    """Count the request. Raises Problem 429 RATE_LIMITED with `Retry-After` for one too many."""
    limiter: RateLimiter | None = getattr(request.app.state, "rate_limiter", None)
    if limiter is None:
        return
    policies = await request.app.state.choose_rate_policies(request, caller)
    verdicts = [await limiter.hit(policy, caller.subject) for policy in policies]
    request.scope[_VERDICTS] = verdicts
    refused = [verdict for verdict in verdicts if not verdict.allowed]
    if refused:
        raise _too_often(max(refused, key=lambda verdict: verdict.retry_after_s))


class RateLimitFields:
    """Adds the fields to every answer, refusals included, of a request that was counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            verdicts = scope.get(_VERDICTS)
            if verdicts and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = ", ".join(_policy(v.policy) for v in verdicts)
                headers["RateLimit"] = ", ".join(_left(verdict) for verdict in verdicts)
            await send(message)

        await self._app(scope, receive, sending)


def _policy(policy: RatePolicy) -> str:
    return f'"{policy.name}";q={policy.per_minute};w={_WINDOW_S};burst={policy.burst}'


def _left(verdict: Verdict) -> str:
    return f'"{verdict.policy.name}";r={verdict.remaining};t={_seconds(verdict.reset_s)}'


def _too_often(verdict: Verdict) -> Problem:
    policy, wait_s = verdict.policy, max(_seconds(verdict.retry_after_s), 1)
    return Problem(
        429,
        "RATE_LIMITED",
        f"No more than {policy.per_minute} {policy.name} a minute and {policy.burst} at once:"
        f" try again in {wait_s} s.",
        headers={"Retry-After": str(wait_s)},
        violated_policies=[policy.name],
    )


def _seconds(duration_s: float) -> int:
    # A difference of two times of day is off by up to half a microsecond: 60 s are not told as 61.
    return math.ceil(round(duration_s, 3))
