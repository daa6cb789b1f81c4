"""Counting in the process: the pace, the burst, and who is counted with whom."""

import asyncio

import pytest
from throttled import utils

from docyard_common.rate_limits import RatePolicy
from docyard_common.rate_limits.limiter import RateLimiter

POLICY = RatePolicy("requests", 60, burst=10)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The library's clock, in the hands of the test."""
    time = [1000.0]
    monkeypatch.setattr(utils, "now_mono_f", lambda: time[0])
    return time


async def test_burst_passes_and_then_one_a_second(now: list[float]) -> None:
    limiter = RateLimiter()
    first = [await limiter.hit(POLICY, "ann") for _ in range(11)]

    assert [verdict.allowed for verdict in first] == [True] * 10 + [False]
    assert first[0].remaining == 9
    assert 0 < first[-1].retry_after_s <= 1

    now[0] += 1.0
    assert [(await limiter.hit(POLICY, "ann")).allowed for _ in range(2)] == [True, False]


async def test_minute_holds_no_more_than_rate_and_burst(now: list[float]) -> None:
    limiter, passed = RateLimiter(), 0
    for _ in range(600):
        passed += (await limiter.hit(POLICY, "ann")).allowed
        now[0] += 0.1

    assert 60 <= passed <= 70


@pytest.mark.usefixtures("now")
async def test_callers_and_policies_are_counted_apart() -> None:
    limiter, uploads = RateLimiter(), RatePolicy("uploads", 1, burst=1)
    assert (await limiter.hit(uploads, "ann")).allowed

    assert not (await limiter.hit(uploads, "ann")).allowed
    assert (await limiter.hit(uploads, "bob")).allowed
    assert (await limiter.hit(POLICY, "ann")).allowed


@pytest.mark.usefixtures("now")
async def test_parallel_requests_do_not_slip_through() -> None:
    limiter = RateLimiter()

    verdicts = await asyncio.gather(*(limiter.hit(POLICY, "ann") for _ in range(50)))

    assert sum(verdict.allowed for verdict in verdicts) == 10


@pytest.mark.usefixtures("now")
async def test_away_server_lets_the_process_count_alone() -> None:
    limiter = RateLimiter(shared_url="redis://127.0.0.1:1/0")

    verdicts = [await limiter.hit(POLICY, "ann") for _ in range(11)]

    await limiter.close()
    assert [verdict.allowed for verdict in verdicts] == [True] * 10 + [False]
