"""The fields that tell what is left of a rate."""

from datetime import UTC, datetime

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from docyard_common.auth import Principal
from docyard_common.http.rate_limiting import admit, limit_rates_with
from docyard_common.rate_limits import RatePolicy, Verdict

ANN = Principal("ann", roles=frozenset({"user"}), expires_at=datetime.max.replace(tzinfo=UTC))
REQUESTS = RatePolicy("requests", per_minute=1, burst=1)


class Told:
    """A limiter that has already counted."""

    def __init__(self, reset_s: float) -> None:
        self._reset_s = reset_s

    async def hit(self, policy: RatePolicy, key: str) -> Verdict:
        del key
        return Verdict(policy, allowed=True, remaining=0, reset_s=self._reset_s, retry_after_s=0)


@pytest.mark.parametrize(
    ("reset_s", "told"), [(60.000000238, 60), (59.999999762, 60), (59.1, 60), (0.0, 0)]
)
def test_a_window_is_never_told_as_longer_than_it_is(reset_s: float, told: int) -> None:
    """Times of day are floats: 60 s after one of today may come out a little above."""
    app = FastAPI()

    async def choose(request: Request, caller: Principal) -> list[RatePolicy]:
        del request, caller
        return [REQUESTS]

    limit_rates_with(app, Told(reset_s), choose)  # type: ignore[arg-type]

    @app.get("/")
    async def counted(request: Request) -> None:
        await admit(request, ANN)

    answer = TestClient(app).get("/")

    assert answer.headers["RateLimit"] == f'"requests";r=0;t={told}'
