"""The slope of memory: what a regression says of samples whose growth is known."""

import random

import pytest
from bench.memory import MIB, Slope

_HOUR = 3600


def samples(mib_per_hour: float, noise_mib: float) -> list[tuple[float, float]]:
    dice = random.Random(1)
    return [
        (at, (200 + mib_per_hour * at / _HOUR + dice.gauss(0, noise_mib)) * MIB)
        for at in range(0, _HOUR, 5)
    ]


def test_a_steady_growth_is_found() -> None:
    slope = Slope.of(samples(30, noise_mib=0))

    assert slope.mib_per_hour == pytest.approx(30)
    assert slope.standard_error == pytest.approx(0, abs=1e-6)
    assert slope.last_mib - slope.first_mib == pytest.approx(30, rel=0.05)


def test_noise_alone_is_no_growth() -> None:
    slope = Slope.of(samples(0, noise_mib=20))

    assert 0 < abs(slope.mib_per_hour) < 3 * slope.standard_error


def test_steps_are_not_taken_for_many_observations() -> None:
    """Five samples of one level weigh about as one."""
    levels = samples(0, noise_mib=20)
    stepped = [(at, levels[number - number % 5][1]) for number, (at, _) in enumerate(levels)]

    assert Slope.of(stepped).standard_error > 1.5 * Slope.of(levels).standard_error
