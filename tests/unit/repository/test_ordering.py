"""Several workers share what is heavy, and no file is lost or run twice."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from tests.ordering import spread

FOLDERS = ("contract", "e2e", "fault", "integration", "unit")


def named(*paths: str) -> list[tuple[Path, str]]:
    return [(Path(path), path) for path in paths]


def test_heavy_files_are_spread_among_light_ones() -> None:
    files = named(
        "e2e/a", "e2e/b", "fault/a", "fault/b", "integration/a", "integration/b", "unit/a"
    )

    assert spread(files) == [
        "fault/a", "e2e/a", "e2e/b", "fault/b", "integration/a", "integration/b", "unit/a",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(FOLDERS), st.integers(0, 99)), unique=True))
def test_each_file_is_there_once(found: list[tuple[str, int]]) -> None:
    files = named(*(f"{folder}/{number}" for folder, number in found))

    assert sorted(spread(files)) == sorted(name for _, name in files)
