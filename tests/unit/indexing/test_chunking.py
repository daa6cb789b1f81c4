from hypothesis import given
from hypothesis import strategies as st

from docyard_common.artifacts import Page
from processor.indexing.chunking import MAX_WORDS, Passage, passages


def page(number: int, text: str, heading: str | None = None) -> Page:
    return Page(number=number, text=text, heading=heading)


def sentences(count: int, *, words: int = 10) -> str:
    return " ".join(f"S{n} " + "word " * (words - 2) + "end." for n in range(count))


def cut(*pages: Page) -> list[Passage]:
    return list(passages(pages))


def test_a_short_document_is_one_passage() -> None:
    assert cut(page(1, "One.  Two.\nThree.")) == [Passage("One. Two. Three.", 1, 1, None, 0, 17)]


def test_pages_without_text_give_nothing() -> None:
    assert cut(page(1, ""), page(2, " \n")) == []


def test_long_text_is_cut_between_sentences_with_some_overlap() -> None:
    first, second, *_ = cut(page(1, sentences(60)))

    assert 150 <= len(first.text.split()) <= MAX_WORDS
    assert first.text.endswith("end.")
    assert second.text.startswith("S22 ")
    assert "S22 " in first.text


def test_a_heading_ends_a_passage_and_nothing_is_repeated_over_it() -> None:
    first, second = cut(page(1, sentences(5), "A"), page(2, sentences(5), "B"))

    assert (first.heading, first.page_first, first.page_last) == ("A", 1, 1)
    assert (second.heading, second.page_first, second.page_last) == ("B", 2, 2)


def test_a_full_passage_ends_with_its_page_and_short_pages_are_joined() -> None:
    full = cut(page(1, sentences(16)), page(2, sentences(3)))
    short = cut(page(1, "One."), page(2, "Two."))

    assert [(p.page_first, p.page_last) for p in full] == [(1, 1), (1, 2)]
    assert [(p.page_first, p.page_last) for p in short] == [(1, 2)]


def test_text_without_spaces_is_cut_all_the_same() -> None:
    found = cut(page(1, "漢" * 10_000))

    assert max(len(passage.text) for passage in found) <= 2_000
    assert sum(passage.text.count("漢") for passage in found) >= 10_000


@given(st.lists(st.text(alphabet="ab .\n#漢", max_size=3000), max_size=5))
def test_no_word_is_lost_and_pages_never_go_back(texts: list[str]) -> None:
    found = cut(*(page(number, text) for number, text in enumerate(texts, start=1)))

    indexed = {word for passage in found for word in passage.text.split()}
    # Words that are too long, or sentence marks without a space after, are cut on purpose.
    assert {w for t in texts for w in t.split() if len(w) < 1500 and "漢" not in w} <= indexed
    assert [p.page_first for p in found] == sorted(p.page_first for p in found)
    assert all(passage.text for passage in found)
    for passage in found:
        first, last = texts[passage.page_first - 1], texts[passage.page_last - 1]
        words = passage.text.split()
        assert first[passage.start :].startswith(words[0])
        assert last[: passage.end].endswith(words[-1])
