"""Work that can wait does, while the processors are busy with enough documents."""

import asyncio
import time
from collections.abc import Callable

import psutil

from docyard_common.delivery.scheduling import under_load
from docyard_common.events.stages import Priority
from processor.load import Load

CORES = psutil.cpu_count() or 1


def busy_for(samples: int, *, monotonic: Callable[[], float] = time.monotonic) -> Load:
    load = Load(throttle=0.8, monotonic=monotonic)
    for _ in range(samples):
        load.sample(1.0)
    return load


def crowded(load: Load) -> Load:
    for _ in range(CORES):
        load.begins(bulky=False)
    return load


def test_a_short_peak_throttles_nothing() -> None:
    assert not crowded(busy_for(2)).throttles()


def test_lasting_load_throttles_once_every_processor_has_a_document() -> None:
    load = busy_for(10)
    for _ in range(CORES - 1):
        load.begins(bulky=False)
    assert not load.throttles()

    load.begins(bulky=True)
    assert load.throttles()

    load.ends(bulky=True)
    assert not load.throttles()


def test_load_that_has_gone_throttles_no_more() -> None:
    load = crowded(busy_for(10))
    for _ in range(3):
        load.sample(0.1)

    assert not load.throttles()


def test_beside_small_documents_bulky_ones_fill_half_the_processors() -> None:
    now = [100.0]
    load = busy_for(10, monotonic=lambda: now[0])
    half = max(1, CORES // 2)
    assert load.bulky_room() == CORES

    load.begins(bulky=False)
    assert load.bulky_room() == half
    for _ in range(half):
        load.begins(bulky=True)
    assert load.bulky_room() == 0

    now[0] += 60
    assert load.bulky_room() == CORES - half


def test_while_processors_idle_and_nothing_small_comes_nothing_bulky_waits() -> None:
    load = busy_for(0)
    for _ in range(100):
        load.begins(bulky=True)

    assert load.bulky_room() > CORES


async def test_quiet_is_waited_for_and_not_for_ever() -> None:
    load = busy_for(10)
    waiting = asyncio.create_task(load.quiet(within_s=60))
    await asyncio.sleep(0)
    assert not waiting.done()

    for _ in range(3):
        load.sample(0.1)

    await waiting
    await busy_for(10).quiet(within_s=0.01)


def test_under_load_only_the_lowest_lane_waits() -> None:
    assert under_load([Priority.LOW, Priority.CRITICAL, Priority.NORMAL]) == [
        Priority.CRITICAL,
        Priority.NORMAL,
    ]


async def test_bulky_work_rests_until_the_small_document_is_through_all_stages() -> None:
    load = busy_for(0)
    load.begins(bulky=False)
    resting = asyncio.create_task(load.gap(within_s=60))
    await asyncio.sleep(0)
    load.ends(bulky=False)
    load.begins(bulky=False)  # in the next stage
    await asyncio.sleep(0)
    assert not resting.done()

    load.ends(bulky=False)

    await resting
