"""Lanes, weights and caps: properties that hold for every load."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.delivery.scheduling import CAPS, WEIGHTS, Occupation, Scheduler
from docyard_common.events.stages import Priority

IDLE = Occupation(running={})


def serve(scheduler: Scheduler, waiting: set[Priority], times: int) -> Counter[Priority]:
    """Pick *times* for slots that come free at once, from lanes that never run dry."""
    served: Counter[Priority] = Counter()
    for _ in range(times):
        order = scheduler.order(IDLE)
        lane = next(lane for lane in order if lane in waiting)
        scheduler.picked(lane, order)
        served[lane] += 1
    return served


def test_busy_lanes_are_served_by_their_weights() -> None:
    served = serve(Scheduler(16), set(Priority), 150)

    assert served == {lane: weight * 10 for lane, weight in WEIGHTS.items()}


@given(st.sets(st.sampled_from(list(Priority)), min_size=1), st.integers(1, 200))
def test_no_busy_lane_starves(waiting: set[Priority], warm_up: int) -> None:
    scheduler = Scheduler(16)
    serve(scheduler, waiting, warm_up)

    assert set(serve(scheduler, waiting, sum(WEIGHTS.values()))) == waiting


def test_an_idle_lane_saves_no_credit_for_a_burst() -> None:
    scheduler = Scheduler(16)
    serve(scheduler, {Priority.LOW}, 100)

    assert serve(scheduler, set(Priority), 15)[Priority.CRITICAL] <= WEIGHTS[Priority.CRITICAL] + 1


@given(
    slots=st.integers(1, 64),
    arrivals=st.lists(st.sampled_from(list(Priority)), max_size=200),
)
def test_caps_hold_for_every_order_of_arrival(slots: int, arrivals: list[Priority]) -> None:
    scheduler = Scheduler(slots)
    running: Counter[Priority] = Counter()
    for lane in arrivals:
        if sum(running.values()) < slots and lane in scheduler.order(Occupation(running)):
            running[lane] += 1

    for lane, share in CAPS.items():
        assert Occupation(running).of(lane) <= max(1, slots * share + 0.5)


@given(slots=st.integers(4, 64))
def test_critical_finds_a_slot_when_all_others_are_full(slots: int) -> None:
    scheduler = Scheduler(slots)
    running: Counter[Priority] = Counter()
    for lane in (Priority.LOW, Priority.NORMAL, Priority.HIGH):
        while lane in scheduler.order(Occupation(running)):
            running[lane] += 1

    assert Priority.CRITICAL in scheduler.order(Occupation(running))


@pytest.mark.parametrize(("slots", "allowed"), [(1, 1), (4, 2), (10, 6)])
def test_bulky_documents_hold_at_most_sixty_per_cent(slots: int, allowed: int) -> None:
    scheduler = Scheduler(slots)

    assert scheduler.bulky_room(Occupation({})) == allowed
    assert scheduler.bulky_room(Occupation({}, bulky=allowed)) == 0
    assert scheduler.bulky_room(Occupation({}, bulky=allowed + 1)) == 0


@pytest.mark.parametrize("lane", [Priority.HIGH, Priority.NORMAL])
def test_two_slots_are_not_held_by_one_long_document(lane: Priority) -> None:
    scheduler = Scheduler(2)

    assert lane in scheduler.order(Occupation({Priority.NORMAL: 1}))


def test_a_stage_needs_a_slot() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Scheduler(0)


def picks(
    fitting: list[tuple[Priority, bool]], room: int, bulky: int
) -> list[tuple[Priority, bool]]:
    """Return the first *room* that fit, of which up to *bulky* are bulky."""
    picked: list[tuple[Priority, bool]] = []
    for each in fitting:
        if len(picked) < room and (not each[1] or sum(b for _, b in picked) < bulky):
            picked.append(each)
    return picked


@given(st.integers(1, 16), st.lists(st.tuples(st.sampled_from(list(Priority)), st.booleans())))
def test_slots_that_are_filled_at_once_keep_within_every_cap(
    slots: int, arrivals: list[tuple[Priority, bool]]
) -> None:
    scheduler = Scheduler(slots)
    running: Counter[Priority] = Counter()
    bulky = 0
    while arrivals:
        occupation = Occupation(running, bulky)
        order = scheduler.order(occupation)
        room = scheduler.room(occupation, order)
        allowed = scheduler.bulky_room(occupation)
        picked = picks([each for each in arrivals if each[0] in order], room, allowed)
        if not picked:
            break
        for each in picked:
            arrivals.remove(each)
            running[each[0]] += 1
            bulky += each[1]
    for lane, share in CAPS.items():
        assert Occupation(running).of(lane) <= max(1, int(slots * share + 0.5))
    assert bulky <= max(1, int(slots * 0.6 + 0.5))
