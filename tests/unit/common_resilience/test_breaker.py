"""When a breaker lets calls through."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from docyard_common.resilience import BreakerState, CircuitBreaker, guarded, show_state


class SetClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def breaker(clock: SetClock) -> CircuitBreaker:
    return CircuitBreaker("store", failure_threshold=3, open_s=10, open_max_s=30, clock=clock)


def opened(breaker: CircuitBreaker) -> CircuitBreaker:
    for _ in range(3):
        assert breaker.allow()
        breaker.record_failure()
    return breaker


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker, clock: SetClock) -> None:
    opened(breaker)

    assert breaker.state is BreakerState.OPEN
    assert not breaker.allow()
    assert breaker.opened_at == clock.now()
    assert breaker.retry_at == clock.now() + timedelta(seconds=10)


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        breaker.record_failure()
        breaker.record_failure()
        breaker.record_success()

    assert breaker.state is BreakerState.CLOSED


def test_one_probe_goes_when_the_pause_is_over(breaker: CircuitBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(10)

    assert breaker.allow()
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.allow()


def test_a_probe_that_succeeds_closes(breaker: CircuitBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(10)
    breaker.allow()

    breaker.record_success()

    assert breaker.state is BreakerState.CLOSED
    assert breaker.retry_at is None
    assert breaker.failures == 0
    assert breaker.allow()


def test_probes_that_fail_double_the_pause_up_to_a_bound(
    breaker: CircuitBreaker, clock: SetClock
) -> None:
    began = clock.now()
    opened(breaker)
    for pause in (10, 20, 30, 30):
        clock.advance(pause - 1)
        assert not breaker.allow()
        clock.advance(1)
        assert breaker.allow()
        breaker.record_failure()

    assert breaker.state is BreakerState.OPEN
    assert breaker.opened_at == began


def test_a_lost_probe_is_replaced_after_a_pause(breaker: CircuitBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(10)
    assert breaker.allow()

    clock.advance(10)

    assert breaker.allow()


def test_a_probe_that_is_given_back_goes_at_once(breaker: CircuitBreaker, clock: SetClock) -> None:
    opened(breaker)
    clock.advance(10)
    assert breaker.allow()

    breaker.give_back()

    assert breaker.allow()
    assert not breaker.allow()


def test_nothing_is_given_back_while_no_probe_is_due(breaker: CircuitBreaker) -> None:
    opened(breaker).give_back()

    assert not breaker.allow()


def test_late_failures_of_earlier_calls_do_not_prolong_the_pause(
    breaker: CircuitBreaker, clock: SetClock
) -> None:
    opened(breaker)
    clock.advance(9)
    breaker.record_failure()
    clock.advance(1)

    assert breaker.allow()


def test_an_operator_can_close_it(breaker: CircuitBreaker) -> None:
    opened(breaker)

    breaker.reset()

    assert breaker.allow()


def test_every_change_is_told_once(clock: SetClock) -> None:
    told: list[BreakerState] = []
    breaker = CircuitBreaker(
        "store",
        failure_threshold=1,
        open_s=1,
        clock=clock,
        on_change=lambda changed: told.append(changed.state),
    )
    breaker.record_success()
    breaker.record_failure()
    clock.advance(1)
    breaker.allow()
    breaker.record_success()

    assert told == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_the_state_is_a_metric(clock: SetClock) -> None:
    breaker = CircuitBreaker("shown", failure_threshold=1, clock=clock, on_change=show_state)
    breaker.record_failure()

    labels = {"dependency": "shown"}
    assert REGISTRY.get_sample_value("docyard_circuit_state", labels) == 2
    breaker.reset()
    assert REGISTRY.get_sample_value("docyard_circuit_state", labels) == 0


async def test_the_guard_counts_outages_only(breaker: CircuitBreaker) -> None:
    for _ in range(3):
        with pytest.raises(ObjectMissingError):
            async with guarded(breaker):
                raise ObjectMissingError("k")
    assert breaker.failures == 0

    for _ in range(3):
        with pytest.raises(DependencyUnavailableError):
            async with guarded(breaker):
                raise DependencyUnavailableError("store", "away")
    assert breaker.state is BreakerState.OPEN


async def test_the_guard_refuses_at_once_while_open(breaker: CircuitBreaker) -> None:
    opened(breaker)
    entered = False

    with pytest.raises(DependencyUnavailableError, match="not asked before"):
        async with guarded(breaker):
            entered = True

    assert not entered


async def test_a_cancel_says_nothing_about_the_dependency(breaker: CircuitBreaker) -> None:
    breaker.record_failure()
    with pytest.raises(asyncio.CancelledError):
        async with guarded(breaker):
            raise asyncio.CancelledError

    assert breaker.failures == 1
