"""Text on its way into PostgreSQL and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docyard_common.search.text import START, STOP, configuration, storable, unmarked, words_of

any_text = st.text(st.characters(codec=None))


@given(any_text)
def test_what_is_stored_can_be_written_and_holds_no_marks(text: str) -> None:
    kept = storable(text)

    kept.encode()
    assert not {"\x00", START, STOP} & set(kept)


@given(st.lists(st.tuples(st.sampled_from(["", START]), st.text("abc ü🙂", min_size=1))))
def test_highlights_frame_exactly_what_was_marked(pieces: list[tuple[str, str]]) -> None:
    words = [(mark, text.replace(" ", "x")) for mark, text in pieces]
    headline = " \n ".join(f"{START}{text}{STOP}" if mark else text for mark, text in words)

    snippet, highlights = unmarked(headline)

    assert snippet == " ".join(text for _, text in words)
    assert [snippet[start:end] for start, end in highlights] == [
        text for mark, text in words if mark
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "english"), ("de", "german"), ("ja", "simple"), (None, "simple"), ("", "simple")],
)
def test_languages_without_a_stemmer_are_taken_word_by_word(
    language: str | None, expected: str
) -> None:
    assert configuration(language) == expected


def test_a_file_name_is_its_words() -> None:
    assert words_of("Annual_Report-2024.pdf").split() == ["Annual", "Report", "2024", "pdf"]
