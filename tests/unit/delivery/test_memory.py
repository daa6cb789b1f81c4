"""Memory: properties that hold for every history and every order of arrival."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.delivery.memory import LEAST_BYTES, Estimates, Kind, MemoryBudget, Waiter
from docyard_common.events.stages import Stage

MIB = 1024 * 1024
LIMIT = 2048 * MIB
PDF = "application/pdf"

sizes = st.integers(1, 8 * 1024 * MIB)
peaks = st.integers(1, 4096 * MIB)


def kind(size_bytes: int = 1, media_type: str = PDF) -> Kind:
    return Kind.of(Stage.EXTRACT, media_type, size_bytes)


@given(sizes)
def test_a_kind_holds_sizes_within_a_factor_of_two(size_bytes: int) -> None:
    assert size_bytes <= kind(size_bytes).largest_bytes
    assert size_bytes * 2 >= kind(size_bytes).largest_bytes or kind(size_bytes).size_class == 0


@given(sizes, st.lists(peaks))
def test_an_estimate_is_never_below_what_came_last_nor_above_the_limit(
    size_bytes: int, history: list[int]
) -> None:
    estimates = Estimates(limit_bytes=LIMIT)
    for peak in history:
        estimates.observe(kind(size_bytes), peak)

        assert estimates.estimate(kind(size_bytes)) >= min(peak, LIMIT)
    assert LEAST_BYTES <= estimates.estimate(kind(size_bytes)) <= LIMIT


def test_what_was_needed_once_is_forgotten_in_time() -> None:
    estimates = Estimates(limit_bytes=LIMIT)
    estimates.observe(kind(), 2000 * MIB)
    for _ in range(60):
        estimates.observe(kind(), 100 * MIB)

    assert estimates.estimate(kind()) < 150 * MIB


def test_of_what_nothing_is_known_much_is_expected() -> None:
    estimates = Estimates(limit_bytes=LIMIT)
    small, large, picture = kind(), kind(300 * MIB), kind(media_type="image/png")

    assert estimates.estimate(small) < estimates.estimate(picture) < estimates.estimate(large)
    assert estimates.estimate(large) == LIMIT
    estimates.observe(kind(), 900 * MIB)
    assert estimates.estimate(kind(3 * MIB)) >= 900 * MIB, "larger ones need no less"
    assert estimates.estimate(picture) < 900 * MIB, "other types tell nothing"


def test_what_others_have_seen_counts_where_it_is_more() -> None:
    estimates = Estimates(limit_bytes=LIMIT)
    estimates.observe(kind(), 300 * MIB)
    estimates.adopt({kind(): 200 * MIB, kind(3 * MIB): 500 * MIB})

    assert estimates.peaks == {kind(): 300 * MIB, kind(3 * MIB): 500 * MIB}


class Machine:
    """Runs documents for a number of steps each; every step, all that fits begins."""

    def __init__(self, budget: int, *, patience_s: float) -> None:
        self.budget = MemoryBudget(budget, patience_s=patience_s)
        self.left: dict[int, int] = {}
        self.needs: dict[int, int] = {}
        self.since: dict[int, int] = {}
        self.waiting: list[int] = []
        self.began: list[int] = []

    def add(self, number: int, needs: int, now: int) -> None:
        self.needs[number], self.since[number] = needs, now
        self.waiting.append(number)

    def step(self, now: int, steps: int) -> None:
        for number in [number for number, left in self.left.items() if left <= now]:
            self.budget.end(number)
            del self.left[number]
        while (chosen := self._next()) is not None:
            self.waiting.remove(chosen)
            self.budget.begin(chosen, self.needs[chosen])
            self.left[chosen] = now + steps
            self.began.append(chosen)
            assert len(self.left) == 1 or self.budget.used_bytes <= self.budget.budget_bytes
        for number in self.waiting:
            self.budget.wait(Waiter(number, self.needs[number], now - self.since[number]))

    def _next(self) -> int | None:
        for number in self.waiting:
            fits = self.needs[number] <= self.budget.room()
            if self.budget.is_ready(number) or fits or self.budget.is_idle:
                return number
        return None


@given(
    budget=st.integers(1, 100),
    needs=st.lists(st.integers(1, 150), min_size=1, max_size=30),
    steps=st.integers(1, 5),
)
def test_all_begin_and_what_runs_together_stays_below_the_budget(
    budget: int, needs: list[int], steps: int
) -> None:
    machine = Machine(budget, patience_s=3)
    for number, each in enumerate(needs):
        machine.add(number, each, 0)
    for now in range(len(needs) * (steps + 4) + 10):
        machine.step(now, steps)

    assert sorted(machine.began) == list(range(len(needs)))


@given(budget=st.integers(10, 100), large=st.integers(1, 300), small=st.integers(1, 5))
def test_a_large_one_comes_to_its_turn_in_a_stream_of_small_ones_that_never_ends(
    budget: int, large: int, small: int
) -> None:
    machine = Machine(budget, patience_s=4)
    for now in range(24):
        # As many wait as fill the budget: there is always one that could go by.
        for _ in range(budget // small + 1 - len(machine.waiting)):
            machine.add(1 + len(machine.needs), small, now)
        if now == 3:
            machine.add(0, large, now)
            machine.waiting.remove(0)
            machine.waiting.append(0)  # always the last to be asked
        machine.step(now, 2)

    assert 0 in machine.began


def test_a_promise_ends_with_the_one_it_was_given_to() -> None:
    budget = MemoryBudget(100, patience_s=30)
    budget.begin("runs", 60)
    budget.wait(Waiter("impatient", 90, waited_s=29.9))
    assert budget.room() == 40
    budget.wait(Waiter("impatient", 90, waited_s=30.0))
    assert (budget.room(), budget.is_ready("impatient")) == (0, False)
    budget.withdraw("somebody else")
    assert budget.promised is not None
    budget.withdraw("impatient")
    assert budget.room() == 40


@pytest.mark.parametrize("running", [False, True])
def test_what_is_larger_than_the_budget_begins_when_nothing_else_runs(*, running: bool) -> None:
    budget = MemoryBudget(100, patience_s=0)
    if running:
        budget.begin("small", 1)
    budget.wait(Waiter("huge", 500, waited_s=1.0))

    assert budget.is_ready("huge") is not running
    budget.end("small")
    assert budget.is_ready("huge")
