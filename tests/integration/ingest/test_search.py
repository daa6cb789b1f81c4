"""Search through the front door: words, meaning, pages, owners, and what was deleted."""

from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest

from docyard_common.database import Database
from docyard_common.search import Chunk, IndexedDocument, PostgresSearchIndex
from docyard_common.search.embedding import Embedder
from docyard_common.search.embedding_model import embedding_model

pytestmark = pytest.mark.integration
SEARCH = "/api/v1/search"
TEXTS = ("The tenant pays the rent every month.", "A recipe for apple cake with cinnamon.")


@pytest.fixture
async def indexed(ingest: RunningIngest, search_database: Database) -> UUID:
    document_id = UUID((await ingest.upload(name="mixed.txt")).json()["document_id"])
    vectors = Embedder.load().embed(TEXTS)
    chunks = [
        Chunk(n, text, n + 1, n + 1, None, vector)
        for n, (text, vector) in enumerate(zip(TEXTS, vectors, strict=True))
    ]
    document = IndexedDocument(document_id, "ann", 1, "mixed.txt", "text/plain", "en")
    index = PostgresSearchIndex(search_database, embedding_model=embedding_model().name)
    await index.replace(document, chunks)
    return document_id


async def test_words_and_meaning_find_the_page(ingest: RunningIngest, indexed: UUID) -> None:
    for query, mode in [("tenant rent", "text"), ("monthly rent payments of tenants", "semantic"),
                        ("rent", "hybrid")]:  # fmt: skip
        answer = await ingest.client.get(SEARCH, params={"q": query, "mode": mode})
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"], (mode, query)
        best = answer.json()["items"][0]
        assert (best["document_id"], best["page_first"]) == (str(indexed), 1), mode
        assert best["filename"] == "mixed.txt"

    hit = (await ingest.client.get(SEARCH, params={"q": "cinnamon", "mode": "text"})).json()
    assert hit["next_cursor"] is None
    best = hit["items"][0]
    mark = best["highlights"][0]
    assert best["snippet"][mark["start"] : mark["end"]] == "cinnamon"
    assert best["page_first"] == 2


async def test_only_the_owner_finds_and_only_what_is_not_deleted(
    ingest: RunningIngest, indexed: UUID
) -> None:
    query = {"q": "rent", "mode": "text"}
    foreign = await ingest.client.get(SEARCH, params=query, headers=ingest.as_owner("bob"))
    await ingest.client.delete(f"/api/v1/documents/{indexed}")
    deleted = await ingest.client.get(SEARCH, params=query)

    assert foreign.json()["items"] == []
    assert deleted.json()["items"] == []


@pytest.mark.parametrize(
    "query", ["", "q=%20", "q=a&mode=magic", "q=a&limit=0", "q=%00", "q=a&document_id=x"]
)
async def test_an_odd_search_is_refused(ingest: RunningIngest, query: str) -> None:
    answer = await ingest.client.get(f"{SEARCH}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
