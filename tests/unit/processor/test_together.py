"""Rounds: what comes while one is under way goes in the next, and one bad item harms nobody."""

import asyncio
from collections.abc import Sequence

import pytest

from processor.together import Together, Verdict


class Table:
    """Writes numbers; refuses negative ones, and dies of zero."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []

    async def write(self, numbers: Sequence[int]) -> Sequence[Verdict]:
        await asyncio.sleep(0)
        if 0 in numbers:
            raise ZeroDivisionError
        self.rounds.append(list(numbers))
        return [ValueError(str(number)) if number < 0 else None for number in numbers]


async def do(table: Table, *numbers: int) -> list[BaseException | None]:
    together = Together(table.write)
    return await asyncio.gather(*(together.do(n) for n in numbers), return_exceptions=True)


async def test_what_comes_during_a_round_goes_in_the_next_together() -> None:
    table = Table()
    together = Together(table.write)
    first = asyncio.create_task(together.do(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await asyncio.gather(together.do(2), together.do(3), first)

    assert table.rounds == [[1], [2, 3]]


async def test_each_item_hears_its_own_verdict() -> None:
    outcomes = await do(Table(), 1, -2, 3)

    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_an_item_that_kills_a_round_does_not_hold_up_the_others() -> None:
    table = Table()

    outcomes = await do(table, 1, 0, 3)

    assert [type(outcome) for outcome in outcomes] == [type(None), ZeroDivisionError, type(None)]
    assert table.rounds == [[1], [3]]


async def test_an_item_nobody_waits_for_any_more_is_done_all_the_same() -> None:
    table = Table()
    together = Together(table.write)
    gone = asyncio.create_task(together.do(1))
    await asyncio.sleep(0)
    gone.cancel()

    await together.do(2)

    assert sorted(number for numbers in table.rounds for number in numbers) == [1, 2]
    with pytest.raises(asyncio.CancelledError):
        await gone
