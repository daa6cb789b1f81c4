"""What only PostgreSQL does: stemming by language, several replicas, many documents."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from docyard_common.database.pool import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.ids import uuid7
from docyard_common.search import (
    EMBEDDING_SIZE,
    Chunk,
    IndexedDocument,
    PostgresSearchIndex,
    SearchQuery,
    migrate_search,
)
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    database = Database(database_settings, schema="other", application_name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def index(database: Database) -> PostgresSearchIndex:
    return PostgresSearchIndex(database, embedding_model="any")


def document(language: str | None, *, owner: str = "ann", generation: int = 1) -> IndexedDocument:
    return IndexedDocument(uuid7(), owner, generation, "a.txt", "text/plain", language)


def chunk(text: str, ordinal: int = 0, embedding: list[float] | None = None) -> Chunk:
    return Chunk(ordinal, text, 1, 1, None, embedding or [0.0] * EMBEDDING_SIZE)


async def found(index: PostgresSearchIndex, text: str, **more: str) -> list[UUID]:
    query = SearchQuery("ann", text, "text", 10, **more)  # type: ignore[arg-type]
    return [hit.document_id for hit in await index.search(query, None)]


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("en", "The committee was running meetings", "meeting runs"),
        ("de", "Die Rechnungen wurden bezahlt", "Rechnung"),
        ("fr", "les factures impayées", "facture"),
        ("ja", "請求書 見積書", "請求書"),
        (None, "Überweisung", "überweisung"),
    ],
)
async def test_words_are_found_in_the_forms_of_their_language(
    index: PostgresSearchIndex, language: str | None, text: str, question: str
) -> None:
    held = document(language)
    await index.replace(held, [chunk(text)])
    await index.replace(document("en"), [chunk("something else")])

    assert await found(index, question) == [held.document_id]


async def test_one_question_finds_documents_of_several_languages(
    index: PostgresSearchIndex,
) -> None:
    documents = {language: document(language) for language in ("en", "de", None)}
    for held in documents.values():
        await index.replace(held, [chunk("Projekt Phoenix, reports")])

    assert len(await found(index, "phoenix")) == 3
    by_stem = await found(index, "report")
    assert documents["en"].document_id in by_stem
    assert documents[None].document_id not in by_stem
    assert await found(index, "phoenix", language="de") == [documents["de"].document_id]


async def test_quotes_or_and_minus_do_what_they_say(index: PostgresSearchIndex) -> None:
    first, second = document("en"), document("en")
    await index.replace(first, [chunk("red wine and white bread")])
    await index.replace(second, [chunk("white wine and red bread")])

    assert await found(index, '"white wine"') == [second.document_id]
    assert set(await found(index, '"red wine" or "red bread"')) == {
        first.document_id,
        second.document_id,
    }
    assert await found(index, 'wine -"red bread"') == [first.document_id]


async def test_minus_leaves_out_in_every_language_of_the_owner(index: PostgresSearchIndex) -> None:
    with_it, without = document("en"), document("en")
    await index.replace(with_it, [chunk("a report of the meeting")])
    await index.replace(without, [chunk("a report of the weather")])
    await index.replace(document(None), [chunk("report meetings")])

    assert await found(index, "report -meetings") == [without.document_id]


async def test_words_of_one_language_find_nothing_in_another(index: PostgresSearchIndex) -> None:
    english = document("en")
    await index.replace(english, [chunk("the running of things")])
    await index.replace(document(None), [chunk("a run")])

    assert await found(index, "runs") == [english.document_id]


async def test_two_long_documents_hide_no_other(index: PostgresSearchIndex) -> None:
    def vector(second: float, third: float) -> list[float]:
        """Return another one each time: the index links equal ones to each other alone."""
        return [1.0, second, third] + [0.0] * (EMBEDDING_SIZE - 3)

    near = vector(0, 0)
    for third in (0.01, 0.02):
        noise = [chunk("noise", n, vector(n / 10_000, third)) for n in range(1000)]
        await index.replace(document(None), noise)
    for n in range(7):
        await index.replace(document(None), [chunk("mine", 0, vector(0.5, n / 100))])

    hits = await index.search(SearchQuery("ann", "x", "semantic", 10), near)

    assert len(hits) == 9


async def test_generations_that_race_leave_the_newest(index: PostgresSearchIndex) -> None:
    held = document(None)
    generations = [
        IndexedDocument(held.document_id, "ann", number, f"{number}.txt", "text/plain", None)
        for number in range(1, 9)
    ]
    random.shuffle(generations)

    await asyncio.gather(
        *(
            index.replace(one, [chunk(f"word{one.generation}"), chunk("all", 1)])
            for one in generations
        )
    )

    assert await found(index, "word8") == [held.document_id]
    for number in range(1, 8):
        assert await found(index, f"word{number}") == []


async def test_a_removal_that_races_with_indexing_wins(index: PostgresSearchIndex) -> None:
    for _ in range(10):
        held = document(None)
        await asyncio.gather(
            index.replace(held, [chunk("apple", number) for number in range(20)]),
            index.remove(held.document_id),
        )

    assert await found(index, "apple") == []


async def test_an_owner_with_little_finds_it_among_much_of_others(
    index: PostgresSearchIndex,
) -> None:
    rng = random.Random(7)
    target = [rng.gauss(0, 1) for _ in range(EMBEDDING_SIZE)]
    near = [number + rng.gauss(0, 0.1) for number in target]
    await index.replace(
        document(None, owner="bob"),
        [chunk("noise", n, [x + rng.gauss(0, 0.05) for x in target]) for n in range(1500)],
    )
    held = document(None)
    await index.replace(held, [chunk("mine", 0, near)])

    hits = await index.search(SearchQuery("ann", "x", "semantic", 5), target)

    assert [hit.document_id for hit in hits] == [held.document_id]


async def test_before_it_is_set_up_the_index_is_away(
    empty_database_settings: DatabaseSettings,
) -> None:
    database = Database(empty_database_settings, schema="other", application_name="test")
    await database.open()
    index = PostgresSearchIndex(database, embedding_model="any")

    with pytest.raises(DependencyUnavailableError):
        await found(index, "apple")
    with pytest.raises(DependencyUnavailableError):
        await index.replace(document(None), [])
    await database.close()


async def test_replicas_may_set_it_up_together(empty_database_settings: DatabaseSettings) -> None:
    await asyncio.gather(*(migrate_search(empty_database_settings) for _ in range(3)))
    await migrate_search(empty_database_settings)
