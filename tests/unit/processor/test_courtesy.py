"""Bulky work rests beside small documents, and always gets its share."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from docyard_common.pace import Pace
from docyard_common.settings import DatabaseSettings
from processor.courtesy import Courtesy
from processor.load import Load


class Child:
    """What is halted and goes on."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.changed = asyncio.Event()

    def halt(self) -> None:
        self._tell("halt")

    def go_on(self) -> None:
        self._tell("go on")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self.changed.set()

    async def until(self, *told: str) -> None:
        async with asyncio.timeout(30):
            while self.told[: len(told)] != list(told):
                self.changed.clear()
                await self.changed.wait()


def crowd(load: Load) -> None:
    for _ in range(2):
        load.begins(bulky=False)


def rested_s() -> float:
    return REGISTRY.get_sample_value("docyard_bulky_rest_seconds_total") or 0.0


async def begun(load: Load, now: list[float]) -> Pace:
    """Return the pace of a step whose first piece is done."""
    pace = Courtesy(load, monotonic=lambda: now[0]).pace()
    await pace()
    return pace


async def test_beside_a_stream_of_small_documents_bulky_work_gets_its_share() -> None:
    now = [100.0]
    load = Load(throttle=0.8, processors=2)
    load.begins(bulky=False)
    pace = await begun(load, now)
    now[0] += 0.01

    await pace()  # would hang for ever if it waited for the small one to end


@pytest.mark.parametrize(("bulky", "least_s"), [(1, 0.04), (3, 0.12)])
async def test_several_bulky_documents_share_a_fifth_of_the_time(
    bulky: int, least_s: float
) -> None:
    now, loop = [100.0], asyncio.get_running_loop()
    load = Load(throttle=0.8, processors=2)
    load.begins(bulky=False)
    for _ in range(bulky):
        load.begins(bulky=True)
    pace = await begun(load, now)
    now[0] += 0.01
    began = loop.time()

    await pace()

    assert loop.time() - began >= least_s * 0.99


async def test_what_came_before_the_first_piece_is_not_rested_for() -> None:
    now = [100.0]
    load = Load(throttle=0.8, processors=2)
    load.begins(bulky=False)
    pace = Courtesy(load, monotonic=lambda: now[0]).pace()
    now[0] += 1000  # a child was at work

    async with asyncio.timeout(1):
        await pace()


async def test_no_rest_is_longer_than_a_transaction_may_idle() -> None:
    loop = asyncio.get_running_loop()
    load = Load(throttle=0.8, processors=2)
    load.begins(bulky=False)
    now = [100.0]
    pace = await begun(load, now)
    now[0] += 1000
    began = loop.time()

    async with asyncio.timeout(DatabaseSettings().idle_transaction_s / 2):
        await pace()

    assert loop.time() - began >= 5 * 0.99


async def test_what_has_rested_for_a_minute_in_all_rests_no_more() -> None:
    now = [100.0]
    load = Load(throttle=0.8, processors=2, monotonic=lambda: now[0])
    load.begins(bulky=False)
    pace = await begun(load, now)
    before = rested_s()
    for _ in range(12):
        await rest(pace, load, now, for_s=5)
    assert rested_s() - before == pytest.approx(60)
    now[0] += 1000

    async with asyncio.timeout(1):
        await pace()


async def rest(pace: Pace, load: Load, now: list[float], *, for_s: float) -> None:
    """Let a long piece be followed by a rest that the small document's end ends after *for_s*."""
    now[0] += 1000
    resting = asyncio.ensure_future(pace())
    await asyncio.sleep(0)
    assert not resting.done()
    load.ends(bulky=False)
    now[0] += for_s
    await resting
    load.begins(bulky=False)


async def test_a_child_is_halted_while_small_documents_need_its_processor_and_gets_its_share() -> (
    None
):
    load, child = Load(throttle=0.8, processors=2), Child()
    crowd(load)
    breaks = asyncio.create_task(Courtesy(load).breaks(child.halt, child.go_on))

    await child.until("halt", "go on", "halt", "go on")  # though none of them ends

    breaks.cancel()


async def test_a_child_goes_on_when_no_small_document_is_left() -> None:
    load, child = Load(throttle=0.8, processors=2), Child()
    breaks = asyncio.create_task(Courtesy(load).breaks(child.halt, child.go_on))
    await asyncio.sleep(0)
    assert child.told == []

    crowd(load)
    await child.until("halt")
    for _ in range(2):
        load.ends(bulky=False)
    await child.until("halt", "go on")

    breaks.cancel()


async def test_a_child_that_is_not_waited_for_any_more_goes_on() -> None:
    load, child = Load(throttle=0.8, processors=2), Child()
    crowd(load)
    breaks = asyncio.create_task(Courtesy(load).breaks(child.halt, child.go_on))
    await child.until("halt")

    breaks.cancel()

    await child.until("halt", "go on")


async def test_where_processors_are_free_no_child_is_halted() -> None:
    load, child = Load(throttle=0.8, processors=2), Child()
    load.begins(bulky=False)
    breaks = asyncio.create_task(Courtesy(load).breaks(child.halt, child.go_on))
    for _ in range(10):
        await asyncio.sleep(0)

    assert child.told == []
    breaks.cancel()


async def test_a_child_that_has_rested_for_ten_minutes_in_all_is_halted_no_more() -> None:
    now = [100.0]
    load, child = Load(throttle=0.8, processors=2, monotonic=lambda: now[0]), Child()
    crowd(load)
    breaks = asyncio.create_task(
        Courtesy(load, monotonic=lambda: now[0]).breaks(child.halt, child.go_on)
    )
    await child.until("halt")
    now[0] += 601

    await breaks

    assert child.told == ["halt", "go on"]
