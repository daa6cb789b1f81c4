"""`seq` grows with the document's life and fits a browser's number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.events import sequence
from docyard_common.events.stages import Stage

moments = st.tuples(
    st.integers(1, 1023),
    st.sampled_from(list(Stage)),
    st.integers(0, 2**16 - 1),
    st.integers(0, sequence.LAST_TICK),
)
Moment = tuple[int, Stage, int, int]


def seq(moment: Moment) -> int:
    generation, stage, fence, tick = moment
    return sequence.position(generation=generation, stage=stage, fence=fence, tick=tick)


def rank(moment: Moment) -> tuple[int, int, int, int]:
    generation, stage, fence, tick = moment
    return generation, stage.position, fence, tick


@given(moments, moments)
def test_positions_are_ordered_like_the_moments(one: Moment, other: Moment) -> None:
    assert (seq(one) < seq(other)) == (rank(one) < rank(other))


@given(moments)
def test_a_position_fits_a_json_number_and_lies_inside_its_generation(moment: Moment) -> None:
    assert sequence.ACCEPTED < seq(moment) < sequence.terminal(moment[0]) < 2**53


@given(moments)
def test_the_end_of_a_generation_is_before_the_next(moment: Moment) -> None:
    if moment[0] > 1:
        assert sequence.terminal(moment[0] - 1) < seq(moment)


def test_ticks_beyond_the_last_stay_on_it() -> None:
    assert seq((1, Stage.INDEX, 1, sequence.LAST_TICK + 5)) == seq(
        (1, Stage.INDEX, 1, sequence.LAST_TICK)
    )


@pytest.mark.parametrize(("generation", "fence"), [(-1, 0), (1024, 0), (1, -1), (1, 2**16)])
def test_what_does_not_fit_is_refused(generation: int, fence: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        sequence.position(generation=generation, stage=Stage.INDEX, fence=fence, tick=0)
