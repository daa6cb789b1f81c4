"""What every SearchIndex promises: the PostgreSQL one on a real server, and the in-memory one."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from docyard_common.database.pool import Database
from docyard_common.ids import uuid7
from docyard_common.search import (
    EMBEDDING_SIZE,
    Chunk,
    Hit,
    IndexedDocument,
    InMemorySearchIndex,
    PostgresSearchIndex,
    SearchIndex,
    SearchQuery,
)

OpenedFor = Callable[[str], SearchIndex]


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.integration)])
async def opened_for(request: pytest.FixtureRequest) -> AsyncIterator[OpenedFor]:
    """One index, as processes see it that embed by the model with that name."""
    if request.param == "memory":
        yield InMemorySearchIndex().opened_for
        return
    settings = request.getfixturevalue("database_settings")
    database = Database(settings, schema="other", application_name="test")
    await database.open()
    yield lambda model: PostgresSearchIndex(database, embedding_model=model)
    await database.close()


@pytest.fixture
def index(opened_for: OpenedFor) -> SearchIndex:
    return opened_for("today's")


def direction(number: int, *, tilt: float = 0.0) -> list[float]:
    """Return a unit vector along an axis, tilted a little towards another one."""
    vector = [0.0] * EMBEDDING_SIZE
    vector[number] = (1 - tilt**2) ** 0.5
    vector[EMBEDDING_SIZE - 1] = tilt
    return vector


def document(**changed: Any) -> IndexedDocument:
    values: dict[str, Any] = {
        "document_id": uuid7(),
        "owner": "ann",
        "generation": 1,
        "filename": "scan.pdf",
        "content_type": "application/pdf",
        "language": None,
    }
    return IndexedDocument(**values | changed)


def chunk(text: str, ordinal: int = 0, *, page: int = 1, axis: int = 0, **more: Any) -> Chunk:
    embedding = more.pop("embedding", direction(axis))
    return Chunk(ordinal, text, page, page, more.pop("heading", None), embedding, **more)


def asked(text: str, **changed: Any) -> SearchQuery:
    values: dict[str, Any] = {"owner": "ann", "mode": "text", "limit": 10}
    return SearchQuery(text=text, **values | changed)


def ids(hits: Sequence[Hit]) -> list[UUID]:
    return [hit.document_id for hit in hits]


async def test_a_passage_is_found_by_its_words_with_its_page(index: SearchIndex) -> None:
    held = document(filename="bill.pdf")
    await index.replace(held, [chunk("nothing of note"), chunk("the amount due is 50", 1, page=7)])

    (hit,) = await index.search(asked("amount due"), None)

    assert (hit.document_id, hit.filename) == (held.document_id, "bill.pdf")
    assert (hit.page_first, hit.page_last) == (7, 7)
    assert hit.score == pytest.approx(1)


async def test_highlights_are_where_the_words_are_in_the_snippet(index: SearchIndex) -> None:
    await index.replace(document(), [chunk("Grüße 🙂 an\n  alle:\tdie Zahlung und die zahlung")])

    (hit,) = await index.search(asked("zahlung"), None)

    assert "\n" not in hit.snippet
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["Zahlung", "zahlung"]


async def test_nothing_of_a_long_document_is_seen_while_it_is_paced(index: SearchIndex) -> None:
    seen: list[Hit] = []

    async def pace() -> None:
        seen.extend(await index.search(asked("apple"), None))

    await index.replace(document(), [chunk("apple", number) for number in range(40)], pace=pace)

    assert not seen
    assert await index.search(asked("apple"), None)


async def test_a_long_passage_is_shown_around_the_match(index: SearchIndex) -> None:
    filler = "lorem ipsum dolor sit amet " * 60
    await index.replace(document(), [chunk(f"{filler} needle {filler}")])

    (hit,) = await index.search(asked("needle"), None)

    assert len(hit.snippet) < 400
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["needle"]


async def test_all_words_are_needed(index: SearchIndex) -> None:
    await index.replace(document(), [chunk("red apples"), chunk("green pears", 1)])

    assert await index.search(asked("red pears"), None) == []


async def test_a_document_is_found_by_the_words_of_its_name_and_headings(
    index: SearchIndex,
) -> None:
    held = document(filename="Annual_Report-2024.pdf")
    await index.replace(held, [chunk("x"), chunk("y", 1, page=2, heading="Outlook")])

    assert ids(await index.search(asked("report annual"), None)) == [held.document_id]
    (hit,) = await index.search(asked("outlook"), None)
    assert hit.page_first == 2


async def test_nobody_sees_what_is_somebody_elses(index: SearchIndex) -> None:
    theirs = document(owner="bob")
    await index.replace(theirs, [chunk("secret plan")])

    for mode in ("text", "semantic", "hybrid"):
        assert await index.search(asked("secret plan", mode=mode), direction(0)) == []
        foreign = asked("secret plan", mode=mode, document_id=theirs.document_id)
        assert await index.search(foreign, direction(0)) == []


async def test_what_is_near_in_meaning_is_found_and_what_is_not_is_left_out(
    index: SearchIndex,
) -> None:
    exact, near, far = document(), document(), document()
    await index.replace(exact, [chunk("a", axis=1)])
    await index.replace(near, [chunk("b", embedding=direction(1, tilt=0.5))])
    await index.replace(far, [chunk("c", axis=2)])

    hits = await index.search(asked("whatever", mode="semantic"), direction(1))

    assert ids(hits) == [exact.document_id, near.document_id]
    assert hits[0].highlights == ()
    assert hits[0].snippet == "a"


async def test_hybrid_puts_first_what_both_rankings_name(index: SearchIndex) -> None:
    words, meaning, both = document(), document(), document()
    await index.replace(words, [chunk("apple apple apple", axis=5)])
    await index.replace(meaning, [chunk("fruit", axis=1)])
    await index.replace(both, [chunk("apple", embedding=direction(1, tilt=0.3))])

    hits = await index.search(asked("apple", mode="hybrid"), direction(1))

    assert ids(hits)[0] == both.document_id
    assert set(ids(hits)) == {words.document_id, meaning.document_id, both.document_id}
    assert sorted((hit.score for hit in hits), reverse=True) == [hit.score for hit in hits]
    assert all(0 < hit.score <= 1 for hit in hits)


async def test_hybrid_without_an_embedding_searches_words(index: SearchIndex) -> None:
    held = document()
    await index.replace(held, [chunk("apple")])

    assert ids(await index.search(asked("apple", mode="hybrid"), None)) == [held.document_id]


async def test_semantic_without_an_embedding_is_refused(index: SearchIndex) -> None:
    with pytest.raises(ValueError, match="embedding"):
        await index.search(asked("apple", mode="semantic"), None)


async def test_an_embedding_that_says_nothing_finds_nothing(index: SearchIndex) -> None:
    await index.replace(document(), [chunk("a"), chunk("b", 1, embedding=[0.0] * EMBEDDING_SIZE)])

    nothing = [0.0] * EMBEDDING_SIZE
    assert await index.search(asked("!", mode="hybrid"), nothing) == []


async def test_one_passage_a_document_unless_one_document_is_asked(index: SearchIndex) -> None:
    held, other = document(), document()
    await index.replace(held, [chunk("apple", number, page=number + 1) for number in range(3)])
    await index.replace(other, [chunk("apple")])

    assert len(await index.search(asked("apple"), None)) == 2
    inside = await index.search(asked("apple", document_id=held.document_id), None)
    assert sorted(hit.page_first for hit in inside) == [1, 2, 3]
    assert len(await index.search(asked("apple", limit=1), None)) == 1


@pytest.mark.parametrize("mode", ["text", "semantic", "hybrid"])
async def test_a_long_document_hides_no_other(index: SearchIndex, mode: str) -> None:
    long = document(filename="manual.pdf")
    await index.replace(long, [chunk("apple apple", number) for number in range(60)])
    others = [document() for _ in range(8)]
    for held in others:
        await index.replace(held, [chunk("apple", embedding=direction(0, tilt=0.3))])

    hits = await index.search(asked("apple", mode=mode), direction(0))

    assert ids(hits)[0] == long.document_id
    assert set(ids(hits)) == {long.document_id, *(held.document_id for held in others)}


async def test_within_one_long_document_all_passages_count(index: SearchIndex) -> None:
    long = document()
    await index.replace(long, [chunk("apple", number) for number in range(60)])

    for mode in ("text", "semantic", "hybrid"):
        inside = asked("apple", mode=mode, document_id=long.document_id, limit=12)
        assert len(await index.search(inside, direction(0))) == 12


@pytest.mark.parametrize("mode", ["text", "semantic", "hybrid"])
async def test_filters_hold_in_every_mode(index: SearchIndex, mode: str) -> None:
    german = document(language="de", content_type="text/plain", document_type="invoice")
    english = document(language="en", content_type="text/html")
    for held in (german, english):
        await index.replace(held, [chunk("apple")])

    by_language = asked("apple", mode=mode, language="de")
    by_type = asked("apple", mode=mode, content_type="text/html")

    assert ids(await index.search(by_language, direction(0))) == [german.document_id]
    assert ids(await index.search(by_type, direction(0))) == [english.document_id]
    by_type = asked("apple", mode=mode, document_type="invoice")
    assert ids(await index.search(by_type, direction(0))) == [german.document_id]

    neither = asked("apple", mode=mode, language="de", content_type="text/html")
    assert await index.search(neither, direction(0)) == []


async def test_chunks_are_read_back_in_order_by_their_owner(index: SearchIndex) -> None:
    held = document()
    said = [chunk(f"word{n}", n, page=n + 1, heading="H", start=n, end=n + 9) for n in range(3)]
    await index.replace(held, said)

    async def read(owner: str, first: int, limit: int) -> list[tuple[int, str]] | None:
        found = await index.chunks(held.document_id, owner=owner, first=first, limit=limit)
        return found if found is None else [(each.ordinal, each.text) for each in found]

    assert await read("ann", 0, 2) == [(0, "word0"), (1, "word1")]
    assert await read("ann", 2, 2) == [(2, "word2")]
    assert await read("bob", 0, 2) is None
    assert await index.chunks(uuid7(), owner="ann", first=0, limit=2) is None
    (last,) = await index.chunks(held.document_id, owner="ann", first=2, limit=2) or []
    assert (last.page_first, last.page_last, last.start, last.end, last.heading) == (
        3,
        3,
        2,
        11,
        "H",
    )


async def test_replacing_leaves_nothing_of_what_was(index: SearchIndex) -> None:
    held = document()
    await index.replace(held, [chunk("apple"), chunk("pear", 1)])
    await index.replace(held, [chunk("plum")])

    assert await index.search(asked("apple"), None) == []
    assert await index.search(asked("pear"), None) == []
    assert ids(await index.search(asked("plum"), None)) == [held.document_id]


async def test_replacing_again_with_the_same_changes_nothing(index: SearchIndex) -> None:
    held = document()
    for _ in range(3):
        await index.replace(held, [chunk("apple"), chunk("apple", 1)])

    inside = asked("apple", document_id=held.document_id)
    assert len(await index.search(inside, None)) == 2


async def test_an_older_generation_does_not_come_back(index: SearchIndex) -> None:
    first = document(generation=1, filename="old.pdf")
    second = document(document_id=first.document_id, generation=2, filename="new.pdf")
    await index.replace(second, [chunk("apple")])

    await index.replace(first, [chunk("pear")])

    assert await index.search(asked("pear"), None) == []
    (hit,) = await index.search(asked("apple"), None)
    assert hit.filename == "new.pdf"


async def test_what_was_removed_stays_away(index: SearchIndex) -> None:
    held = document()
    await index.replace(held, [chunk("apple")])

    await index.remove(held.document_id)
    await index.remove(held.document_id)
    await index.replace(document(document_id=held.document_id, generation=2), [chunk("apple")])

    assert await index.search(asked("apple"), None) == []


async def test_a_document_without_text_can_be_indexed(index: SearchIndex) -> None:
    await index.replace(document(), [])

    assert await index.search(asked("apple"), None) == []


@pytest.mark.parametrize(
    "text", ["", " ", "'", '"', "a'b", "!&|()<->:*", "\\", "%s %(owner)s {filters}", "\x00", "-"]
)
async def test_odd_questions_are_questions(index: SearchIndex, text: str) -> None:
    await index.replace(document(language="en"), [chunk("apple")])

    await index.search(asked(text, mode="hybrid"), direction(3))


@pytest.mark.parametrize(
    "text", ["nul \x00 apple", "lone \ud800 apple", "mark \ue000 apple \ue001"]
)
async def test_odd_text_is_indexed(index: SearchIndex, text: str) -> None:
    held = document(filename=text)
    await index.replace(held, [chunk(text, heading=text)])

    (hit,) = await index.search(asked("apple"), None)
    assert [hit.snippet[start:end] for start, end in hit.highlights] == ["apple"]


async def test_a_withdrawn_generation_is_gone_and_the_next_may_come(index: SearchIndex) -> None:
    first = document(generation=1)
    second = document(document_id=first.document_id, generation=2)
    await index.replace(first, [chunk("apple")])

    await index.withdraw(first.document_id, 1)
    assert await index.search(asked("apple"), None) == []

    await index.replace(second, [chunk("apple")])
    await index.withdraw(first.document_id, 1)
    assert ids(await index.search(asked("apple"), None)) == [first.document_id]


async def test_meaning_is_compared_within_one_model_alone(opened_for: OpenedFor) -> None:
    old, new = opened_for("old"), opened_for("new")
    held = document()
    await old.replace(held, [chunk("apple", axis=1)])

    assert await new.search(asked("x", mode="semantic"), direction(1)) == []
    assert ids(await new.search(asked("apple", mode="hybrid"), direction(1))) == [held.document_id]
    assert ids(await old.search(asked("x", mode="semantic"), direction(1))) == [held.document_id]


async def test_what_another_model_embedded_is_embedded_again_part_by_part(
    opened_for: OpenedFor,
) -> None:
    old, new = opened_for("old"), opened_for("new")
    first, second = document(), document()
    await old.replace(first, [chunk("apple", axis=1), chunk("pear", 1, page=2, axis=1)])
    await old.replace(second, [chunk("plum", axis=1)])
    await new.replace(document(), [chunk("fig", axis=5)])

    assert await new.count_outdated() == 2
    later, former = await new.outdated(limit=9)
    assert (later.document_id, former.document_id) == (second.document_id, first.document_id)
    assert [each.text for each in await new.outdated_chunks(former, limit=1)] == ["apple"]

    await new.embed_again(former, {0: direction(2)})
    assert await new.outdated(limit=9, without={second.document_id}) == [former]
    assert [each.text for each in await new.outdated_chunks(former, limit=9)] == ["pear"]
    (hit,) = await new.search(asked("x", mode="semantic"), direction(2))
    assert (hit.document_id, hit.page_first) == (first.document_id, 1)

    await new.embed_again(former, {1: direction(3)})
    assert await new.outdated(limit=9) == [later]
    assert await new.count_outdated() == 1
    assert await new.outdated_chunks(former, limit=9) == []
    (hit,) = await new.search(asked("x", mode="semantic"), direction(3))
    assert hit.page_first == 2


async def test_embeddings_of_a_generation_that_was_replaced_come_too_late(
    opened_for: OpenedFor,
) -> None:
    old, new = opened_for("old"), opened_for("new")
    held = document()
    await old.replace(held, [chunk("apple", axis=1)])
    (outdated,) = await new.outdated(limit=1)
    successor = document(document_id=held.document_id, generation=2)
    await new.replace(successor, [chunk("pear", axis=4)])

    await new.embed_again(outdated, {0: direction(2)})

    assert await old.outdated_chunks(outdated, limit=9) == []
    assert await new.search(asked("x", mode="semantic"), direction(2)) == []
    assert ids(await new.search(asked("x", mode="semantic"), direction(4))) == [held.document_id]
    await new.remove(held.document_id)
    await new.embed_again(outdated, {0: direction(2)})
    assert await new.outdated(limit=9) == []
