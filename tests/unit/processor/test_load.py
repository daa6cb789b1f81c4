"""Work that can wait does, while the processors are busy with enough documents."""

import asyncio
from collections.abc import Callable

import psutil

from docyard_common.delivery.scheduling import under_load
from docyard_common.events.stages import Priority
from processor.load import Load

CORES = psutil.cpu_count() or 1


def busy_for(samples: int, **more: Callable[[], float]) -> Load:
    load = Load(throttle=0.8, **more)
    for _ in range(samples):
        load.sample(1.0)
    return load


def test_a_short_peak_throttles_nothing() -> None:
    assert not busy_for(2).throttles(running=CORES)


def test_lasting_load_throttles_once_every_processor_has_a_document() -> None:
    load = busy_for(10)

    assert load.throttles(running=CORES)
    assert not load.throttles(running=CORES - 1)


def test_load_that_has_gone_throttles_no_more() -> None:
    load = busy_for(10)
    for _ in range(3):
        load.sample(0.1)

    assert not load.throttles(running=CORES)


def test_beside_small_documents_bulky_ones_fill_half_the_processors() -> None:
    now = [100.0]
    load = busy_for(10, monotonic=lambda: now[0])
    half = max(1, CORES // 2)
    assert load.bulky_room(bulky=0) == CORES

    load.small_begins()
    assert load.bulky_room(bulky=0) == half
    assert load.bulky_room(bulky=CORES) == 0

    now[0] += 60
    assert load.bulky_room(bulky=half) == CORES - half


def test_while_processors_idle_nothing_bulky_waits() -> None:
    load = busy_for(0)
    load.small_begins()

    assert load.bulky_room(bulky=100 * CORES) > CORES


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
    load.small_begins()
    resting = asyncio.create_task(load.gap(within_s=60))
    await asyncio.sleep(0)
    load.small_ends()
    load.small_begins()  # in the next stage
    await asyncio.sleep(0)
    assert not resting.done()

    load.small_ends()

    await resting


async def test_beside_a_stream_of_small_documents_bulky_work_gets_its_share() -> None:
    now = [100.0]
    load = busy_for(0, monotonic=lambda: now[0])
    load.small_begins()
    courtesy = load.courtesy()
    now[0] += 0.01

    await courtesy()  # would hang for ever if it waited for the small one to end


async def test_what_has_rested_for_a_minute_in_all_rests_no_more() -> None:
    now = [100.0]
    load = busy_for(0, monotonic=lambda: now[0])
    load.small_begins()
    courtesy = load.courtesy()
    now[0] += 1000
    resting = asyncio.create_task(courtesy())
    await asyncio.sleep(0)
    assert not resting.done()
    now[0] += 61
    load.small_ends()
    now[0] += 1
    await resting
    load.small_begins()
    now[0] += 1000

    await courtesy()
