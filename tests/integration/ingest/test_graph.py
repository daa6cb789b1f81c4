"""The entity graph by HTTP: entities, neighbours, paths and evidence of the caller's documents."""

from typing import Any
from uuid import UUID

import pytest
from tests.contract.common_search.test_entity_graph import analysis
from tests.integration.ingest.serving import RunningIngest

from docyard_common.database import Database
from docyard_common.ids import uuid7
from docyard_common.search import (
    Chunk,
    IndexedDocument,
    PostgresSearchIndex,
    graph_of,
)

pytestmark = pytest.mark.integration
GRAPH = "/api/v1/graph"


class Archive:
    """Uploads documents and indexes what they name."""

    def __init__(self, ingest: RunningIngest, index: PostgresSearchIndex) -> None:
        self._ingest = ingest
        self._index = index

    async def put(self, *pairs: str, owner: str = "ann", name: str = "a.txt") -> UUID:
        headers = self._ingest.as_owner(owner)
        answer = await self._ingest.upload(uuid7().bytes.hex().encode(), name=name, headers=headers)
        document_id = UUID(answer.json()["document_id"])
        document = IndexedDocument(document_id, owner, 1, name, "text/plain", "en")
        chunks = [Chunk(n, f"text {n}", 1, 1, None, [0.0] * 256, n, n + 6) for n in range(3)]
        await self._index.replace(document, chunks, graph_of(owner, analysis(pairs, ())))
        return document_id


@pytest.fixture
def archive(ingest: RunningIngest, search_database: Database) -> Archive:
    return Archive(ingest, PostgresSearchIndex(search_database, embedding_model="any"))


async def ids(ingest: RunningIngest, **query: Any) -> dict[str, str]:
    answer = await ingest.client.get(f"{GRAPH}/entities", params=query)
    assert answer.status_code == 200, answer.text
    return {item["text"]: item["entity_id"] for item in answer.json()["items"]}


async def test_two_documents_that_share_a_name_connect_what_they_name(
    ingest: RunningIngest, archive: Archive
) -> None:
    first = await archive.put("Ada-Bob", name="one.txt")
    await archive.put("Bob-Cy", name="two.txt")
    known = await ids(ingest)

    one = (await ingest.client.get(f"{GRAPH}/entities/{known['Bob']}")).json()
    near = (await ingest.client.get(f"{GRAPH}/entities/{known['Bob']}/neighbours")).json()
    query = {"from": known["Ada"], "to": known["Cy"]}
    (path,) = (await ingest.client.get(f"{GRAPH}/paths", params=query)).json()["items"]
    relation = path["relations"][0]["relation_id"]
    shown = (await ingest.client.get(f"{GRAPH}/relations/{relation}/evidence")).json()
    mentions = (await ingest.client.get(f"{GRAPH}/entities/{known['Ada']}/mentions")).json()

    assert next(iter(known)) == "Bob"
    assert (one["kind"], one["documents"], one["mentions"]) == ("person", 2, 2)
    assert {item["entity"]["text"] for item in near["items"]} == {"Ada", "Cy"}
    assert [entity["text"] for entity in path["entities"]] == ["Ada", "Bob", "Cy"]
    (place,) = shown["items"]
    assert (place["document_id"], place["filename"], place["page"]) == (str(first), "one.txt", 3)
    assert place["snippet"] == "both are here"
    assert shown["relation"]["relation_id"] == relation
    assert mentions["items"][0] == {
        "document_id": str(first), "filename": "one.txt", "page": 3, "start": 4, "end": 7,
    }  # fmt: skip


async def test_what_is_deleted_is_gone_before_the_index_has_heard_of_it(
    ingest: RunningIngest, archive: Archive
) -> None:
    first = await archive.put("Ada-Bob")
    await archive.put("Bob-Cy")
    known = await ids(ingest)

    await ingest.client.delete(f"/api/v1/documents/{first}")

    assert set(await ids(ingest)) == {"Bob", "Cy"}
    gone = await ingest.client.get(f"{GRAPH}/entities/{known['Ada']}")
    assert (gone.status_code, gone.json()["code"]) == (404, "ENTITY_NOT_FOUND")


async def test_lists_are_narrowed_and_come_by_cursor(
    ingest: RunningIngest, archive: Archive
) -> None:
    document_id = await archive.put("Ada Lovelace-Bob", "Bob-Cy", "Cy-Dan")
    await archive.put("Eve-Fay")

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await ingest.client.get(f"{GRAPH}/entities", params=query)).json()
        seen += [item["text"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert sorted(seen) == ["Ada Lovelace", "Bob", "Cy", "Dan", "Eve", "Fay"]
    assert set(await ids(ingest, q="LOVE")) == {"Ada Lovelace"}
    assert set(await ids(ingest, document_id=document_id)) == {"Ada Lovelace", "Bob", "Cy", "Dan"}
    assert await ids(ingest, kind="place") == {}
    bob = (await ids(ingest))["Bob"]
    first = (
        await ingest.client.get(f"{GRAPH}/entities/{bob}/neighbours", params={"limit": 1})
    ).json()
    both = {"cursor": first["next_cursor"], "kind": ["person", "place"]}
    rest = (await ingest.client.get(f"{GRAPH}/entities/{bob}/neighbours", params=both)).json()
    names = {item["entity"]["text"] for item in first["items"] + rest["items"]}
    assert names == {"Ada Lovelace", "Cy"}
    assert rest["next_cursor"] is None


async def test_somebody_elses_names_are_not_there(ingest: RunningIngest, archive: Archive) -> None:
    await archive.put("Ada-Bob", owner="bob")
    bob = ingest.as_owner("bob")
    theirs = (await ingest.client.get(f"{GRAPH}/entities", headers=bob)).json()["items"]
    one, other = (item["entity_id"] for item in theirs)
    near = await ingest.client.get(f"{GRAPH}/entities/{one}/neighbours", headers=bob)
    relation = near.json()["items"][0]["relation"]["relation_id"]

    assert await ids(ingest) == {}
    for path in (
        f"entities/{one}",
        f"entities/{one}/mentions",
        f"entities/{one}/neighbours",
        f"paths?from={one}&to={other}",
    ):
        answer = await ingest.client.get(f"{GRAPH}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "ENTITY_NOT_FOUND"), path
    answer = await ingest.client.get(f"{GRAPH}/relations/{relation}/evidence")
    assert (answer.status_code, answer.json()["code"]) == (404, "RELATION_NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("entities?kind=planet", "VALIDATION_FAILED"),
        ("entities?q=%00", "VALIDATION_FAILED"),
        ("entities?limit=0", "VALIDATION_FAILED"),
        ("entities?cursor=W10", "CURSOR_INVALID"),
        ("entities?cursor=WzEsMiwieCJd", "CURSOR_INVALID"),
        ("entities/x", "VALIDATION_FAILED"),
        ("paths?from=x&to=y", "VALIDATION_FAILED"),
        (f"paths?from={UUID(int=1)}&to={UUID(int=2)}&max_depth=7", "VALIDATION_FAILED"),
        (f"relations/{UUID(int=1)}/evidence?cursor=nonsense", "CURSOR_INVALID"),
    ],
)
async def test_an_odd_question_is_refused(ingest: RunningIngest, query: str, code: str) -> None:
    answer = await ingest.client.get(f"{GRAPH}/{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_chunks_come_by_cursor_with_their_places(
    ingest: RunningIngest, archive: Archive
) -> None:
    url = f"/api/v1/documents/{await archive.put('Ada-Bob')}/chunks"

    first = (await ingest.client.get(url, params={"limit": 2})).json()
    rest = (await ingest.client.get(url, params={"cursor": first["next_cursor"]})).json()

    assert [item["ordinal"] for item in first["items"]] == [0, 1]
    assert rest == {
        "items": [
            {"ordinal": 2, "text": "text 2", "page_first": 1, "page_last": 1, "start": 2, "end": 8,
             "heading": None},
        ],
        "next_cursor": None,
    }  # fmt: skip
    foreign = await ingest.client.get(url, headers=ingest.as_owner("bob"))
    assert foreign.status_code == 404


async def test_chunks_of_a_document_that_is_not_indexed_are_not_promised(
    ingest: RunningIngest, archive: Archive
) -> None:
    del archive  # has set up the index
    document_id = (await ingest.upload()).json()["document_id"]
    url = f"/api/v1/documents/{document_id}/chunks"

    early = await ingest.client.get(url)
    await ingest.rows("update documents set state = 'failed' returning 1")
    never = await ingest.client.get(url)

    assert (early.status_code, early.json()["code"]) == (409, "NOT_READY")
    assert (never.status_code, never.json()["code"]) == (404, "NOT_AVAILABLE")
