"""What an EntityGraph promises, on a real PostgreSQL: written with the index, gone with it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from docyard_common.analysis import Analysis, Entity, EntityName, Evidence, Mention, Relation
from docyard_common.analysis import entity_id as id_of
from docyard_common.database.pool import Database
from docyard_common.errors import DependencyUnavailableError
from docyard_common.ids import uuid7
from docyard_common.search import (
    IndexedDocument,
    PostgresEntityGraph,
    PostgresSearchIndex,
    graph_of,
)
from docyard_common.search.graph import EntityQuery, Scope
from docyard_common.settings import DatabaseSettings

pytestmark = pytest.mark.integration
ANN = Scope("ann")


@dataclass
class Shelf:
    """An index to put documents into, and the graph that they show."""

    index: PostgresSearchIndex
    graph: PostgresEntityGraph
    database: Database

    async def put(self, *pairs: str, alone: Iterable[str] = (), **changed: Any) -> UUID:
        """Index a document; `Ada-Bob` relates two people."""
        told: dict[str, Any] = {
            "document_id": uuid7(), "owner": "ann", "generation": 1, "filename": "a.txt",
            "content_type": "text/plain", "language": None,
        }  # fmt: skip
        document = IndexedDocument(**told | changed)
        graph = graph_of(document.owner, analysis(pairs, alone))
        await self.index.replace(document, [], graph)
        return document.document_id

    async def put_known(self, key: str, text: str) -> None:
        """Index a document that names one organization, known by *key*, as *text*."""
        known = Entity(kind="organization", key=key, text=text, count=1, pages=(1,), mentions=())
        told = Analysis(language=None, language_confidence=0, entities=(known,), relations=())
        document = IndexedDocument(uuid7(), "ann", 1, "a.txt", "text/plain", None)
        await self.index.replace(document, [], graph_of("ann", told))

    async def names(self, scope: Scope = ANN, **query: Any) -> list[str]:
        found = await self.graph.entities(scope, EntityQuery(**query), after=None, limit=100)
        return [entity.text for entity in found]

    async def around(self, name: str, scope: Scope = ANN, **more: Any) -> list[str]:
        told = {"kinds": (), "after": None, "limit": 100} | more
        found = await self.graph.neighbours(scope, person(name, scope.owner), **told)
        return [neighbour.entity.text for neighbour in found]

    async def ways(self, source: str, target: str, **more: Any) -> list[list[str]]:
        told = {"max_depth": 4, "limit": 5} | more
        found = await self.graph.paths(ANN, person(source), person(target), **told)
        return [[entity.text for entity in path.entities] for path in found.paths]

    async def rows(self) -> int:
        count = 0
        async with self.database.transaction() as tx:
            for table in ("named_entities", "mentions", "relations", "evidence"):
                cursor = await tx.execute(f"select count(*) as n from search.{table}")
                count += (await cursor.fetchone() or {})["n"]
        return count


def person(name: str, owner: str = "ann") -> UUID:
    return id_of(owner, "person", name.casefold())


def analysis(pairs: Iterable[str], alone: Iterable[str]) -> Analysis:
    split = [pair.split("-") for pair in pairs]
    names = dict.fromkeys([*(name for pair in split for name in pair), *alone])
    place = Evidence(page=3, start=4, end=20, snippet="both are here")
    return Analysis(
        language=None,
        language_confidence=0,
        entities=tuple(
            Entity(
                kind="person", key=name.casefold(), text=name, count=1, pages=(3,),
                mentions=(Mention(page=3, start=4, end=7), Mention(page=4, start=0, end=3)),
            )
            for name in names
        ),
        relations=tuple(
            Relation(
                source=named(one), target=named(other), window="sentence", count=2, weight=0.5,
                evidence=(place,),
            )
            for one, other in split
        ),
    )  # fmt: skip


def named(name: str) -> EntityName:
    return EntityName(kind="person", text=name, key=name.casefold())


@pytest.fixture
async def database(database_settings: DatabaseSettings) -> AsyncIterator[Database]:
    database = Database(database_settings, schema="other", application_name="test")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def shelf(database: Database) -> Shelf:
    return Shelf(
        PostgresSearchIndex(database, embedding_model="any"),
        PostgresEntityGraph(database),
        database,
    )


async def test_what_most_documents_name_comes_first_in_its_usual_spelling(shelf: Shelf) -> None:
    await shelf.put("Ada-Bob")
    await shelf.put("Ada-Cy")

    found = await shelf.graph.entities(ANN, EntityQuery(), after=None, limit=10)

    assert (found[0].text, found[0].kind, found[0].documents, found[0].count) == (
        "Ada", "person", 2, 2,
    )  # fmt: skip
    assert {entity.text for entity in found[1:]} == {"Bob", "Cy"}
    assert await shelf.graph.entity(ANN, person("Ada")) == found[0]


async def test_entities_are_found_by_name_kind_and_document(shelf: Shelf) -> None:
    first = await shelf.put("Ada Lovelace-Bob")
    await shelf.put("Cy-Dan")

    assert await shelf.names(text="love") == ["Ada Lovelace"]
    assert await shelf.names(text="%") == []
    assert await shelf.names(kinds=("place",)) == []
    assert set(await shelf.names(document_id=first)) == {"Ada Lovelace", "Bob"}


@pytest.mark.parametrize("asked", ["acme gmbh", "Acme GmbH", "ACME", "the acme", "me g"])
async def test_an_entity_is_found_by_the_name_it_is_shown_under(shelf: Shelf, asked: str) -> None:
    await shelf.put_known("acme", "The Acme GmbH")

    assert await shelf.names(text=asked) == ["The Acme GmbH"]


@pytest.mark.parametrize(
    ("shown", "asked"), [("ÖBB Straße AG", "öbb strasse ag"), ("\uff37ide Ltd", "wide ltd")]
)
async def test_shown_names_are_compared_as_keys_are(shelf: Shelf, shown: str, asked: str) -> None:
    await shelf.put_known("another key", shown)

    assert await shelf.names(text=asked) == [shown]


async def test_what_is_found_by_one_spelling_is_told_of_over_all(shelf: Shelf) -> None:
    await shelf.put_known("acme", "Acme Inc.")
    await shelf.put_known("acme", "The Acme GmbH")

    found = await shelf.graph.entities(ANN, EntityQuery(text="acme inc."), after=None, limit=9)

    assert [(entity.documents, entity.count) for entity in found] == [(2, 2)]
    assert await shelf.names(Scope("bob"), text="acme inc.") == []


async def test_a_list_goes_on_where_it_ended(shelf: Shelf) -> None:
    await shelf.put(alone=[f"P{number}" for number in range(7)])
    await shelf.put(alone=["P3"])

    seen: list[str] = []
    after = None
    while part := await shelf.graph.entities(ANN, EntityQuery(), after=after, limit=3):
        seen += [entity.text for entity in part]
        after = part[-1].place

    assert seen[0] == "P3"
    assert sorted(seen) == [f"P{number}" for number in range(7)]


async def test_nobody_sees_what_somebody_elses_documents_name(shelf: Shelf) -> None:
    await shelf.put("Ada-Bob", owner="bob")
    bob = Scope("bob")
    theirs = person("Ada", "bob")

    assert await shelf.names() == []
    assert await shelf.graph.entity(ANN, theirs) is None
    assert await shelf.graph.mentions(ANN, theirs, after=None, limit=5) == []
    assert await shelf.graph.neighbours(ANN, theirs, kinds=(), after=None, limit=5) == []
    found = await shelf.graph.paths(ANN, theirs, person("Bob", "bob"), max_depth=3, limit=5)
    assert found.paths == ()
    (neighbour,) = await shelf.graph.neighbours(bob, theirs, kinds=(), after=None, limit=5)
    relation = neighbour.relation.relation_id
    assert await shelf.graph.relation(ANN, relation) is None
    assert await shelf.graph.evidence(ANN, relation, after=None, limit=5) == []


async def test_mentions_name_document_page_and_place(shelf: Shelf) -> None:
    first = await shelf.put(alone=["Ada"], filename="one.txt")
    second = await shelf.put(alone=["Ada"], filename="two.txt")

    found = await shelf.graph.mentions(ANN, person("Ada"), after=None, limit=3)
    rest = await shelf.graph.mentions(ANN, person("Ada"), after=(first, 0), limit=3)

    places = [(p.document_id, p.filename, p.page, p.start, p.end) for p in found]
    assert places == [
        (second, "two.txt", 3, 4, 7),
        (second, "two.txt", 4, 0, 3),
        (first, "one.txt", 3, 4, 7),
    ]
    assert [(p.document_id, p.page) for p in rest] == [(first, 4)]


async def test_neighbours_share_documents_and_their_relation_has_evidence(shelf: Shelf) -> None:
    first = await shelf.put("Ada-Bob", "Cy-Ada")
    second = await shelf.put("Bob-Ada")

    found = await shelf.graph.neighbours(ANN, person("Ada"), kinds=(), after=None, limit=5)
    place = found[0].place
    rest = await shelf.graph.neighbours(ANN, person("Ada"), kinds=(), after=place, limit=5)
    relation = found[0].relation
    evidence = await shelf.graph.evidence(ANN, relation.relation_id, after=None, limit=5)

    assert [neighbour.entity.text for neighbour in found] == ["Bob", "Cy"]
    assert [neighbour.entity.text for neighbour in rest] == ["Cy"]
    assert (relation.documents, relation.count, relation.weight) == (2, 4, 0.5)
    assert {relation.source_id, relation.target_id} == {person("Ada"), person("Bob")}
    assert await shelf.graph.relation(ANN, relation.relation_id) == relation
    assert [(p.document_id, p.page, p.snippet) for p in evidence] == [
        (second, 3, "both are here"),
        (first, 3, "both are here"),
    ]
    assert await shelf.around("Ada", kinds=("place",)) == []
    assert await shelf.around("Ada", kinds=("place", "person")) == ["Bob", "Cy"]


async def test_paths_are_the_shortest_and_no_longer_than_was_asked_for(shelf: Shelf) -> None:
    await shelf.put("Ada-Bob", "Bob-Cy", "Ada-Dan", "Dan-Cy", "Cy-Eve")
    await shelf.put("Eve-Fay", alone=["Zoe"])

    assert sorted(await shelf.ways("Ada", "Cy")) == [["Ada", "Bob", "Cy"], ["Ada", "Dan", "Cy"]]
    assert len(await shelf.ways("Ada", "Cy", limit=1)) == 1
    assert [len(way) for way in await shelf.ways("Ada", "Fay")] == [5, 5]
    assert await shelf.ways("Ada", "Fay", max_depth=3) == []
    assert await shelf.ways("Ada", "Zoe") == []
    assert await shelf.ways("Ada", "Ada") == [["Ada"]]


async def test_a_path_tells_the_relations_it_goes_over(shelf: Shelf) -> None:
    await shelf.put("Ada-Bob", "Cy-Bob")

    (path,) = (
        await shelf.graph.paths(ANN, person("Ada"), person("Cy"), max_depth=4, limit=5)
    ).paths

    ends = [{relation.source_id, relation.target_id} for relation in path.relations]
    assert ends == [{person("Ada"), person("Bob")}, {person("Bob"), person("Cy")}]


async def test_a_hub_is_walked_in_part_and_says_so(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("graph_paths", "graph_postgres"):
        monkeypatch.setattr(f"docyard_common.search.{module}.MAX_STEPS", 3)
    await shelf.put(*(f"Hub-P{number}" for number in range(6)))

    found = await shelf.graph.paths(ANN, person("Hub"), person("P5"), max_depth=1, limit=5)

    assert found.truncated


async def test_a_new_generation_takes_the_place_of_the_one_before(shelf: Shelf) -> None:
    document_id = await shelf.put("Ada-Bob")

    await shelf.put("Cy-Dan", document_id=document_id, generation=2)
    await shelf.put("Eve-Fay", document_id=document_id, generation=1)

    assert set(await shelf.names()) == {"Cy", "Dan"}


async def test_doing_it_again_changes_nothing(shelf: Shelf) -> None:
    document_id = await shelf.put("Ada-Bob", "Bob-Cy")
    rows = await shelf.rows()

    await asyncio.gather(
        *(shelf.put("Ada-Bob", "Bob-Cy", document_id=document_id) for _ in range(4))
    )

    assert await shelf.rows() == rows


async def test_nothing_is_left_of_what_was_removed_or_withdrawn(shelf: Shelf) -> None:
    removed, withdrawn = await shelf.put("Ada-Bob"), await shelf.put("Bob-Cy")

    await shelf.index.remove(removed)
    await shelf.index.withdraw(withdrawn, 1)
    await shelf.put("Ada-Bob", document_id=removed, generation=2)

    assert await shelf.rows() == 0


async def test_hidden_documents_show_nothing(shelf: Shelf) -> None:
    first = await shelf.put("Ada-Bob", "Bob-Cy")
    await shelf.put("Ada-Bob")
    scope = Scope("ann", [first])

    assert set(await shelf.names(scope)) == {"Ada", "Bob"}
    assert await shelf.around("Bob", scope) == ["Ada"]
    assert await shelf.graph.entity(scope, person("Cy")) is None
    mentions = await shelf.graph.mentions(scope, person("Bob"), after=None, limit=9)
    assert first not in {place.document_id for place in mentions}
    assert (await shelf.graph.paths(scope, person("Ada"), person("Cy"), max_depth=3, limit=1)
            ).paths == ()  # fmt: skip


@pytest.mark.parametrize("text", ["nul \x00 x", "lone \ud800 x"])
async def test_odd_names_are_kept_as_far_as_they_can_be(shelf: Shelf, text: str) -> None:
    odd = Entity.model_construct(
        kind="person", key="odd", text=text, count=1, pages=(1,), mentions=()
    )
    graph = graph_of(
        "ann",
        Analysis.model_construct(
            language=None, language_confidence=0, entities=(odd,), relations=()
        ),
    )

    await shelf.index.replace(
        IndexedDocument(uuid7(), "ann", 1, "a", "text/plain", None), [], graph
    )

    assert len(await shelf.names()) == 1


async def test_before_it_is_set_up_the_graph_is_away(
    empty_database_settings: DatabaseSettings,
) -> None:
    database = Database(empty_database_settings, schema="other", application_name="test")
    await database.open()

    with pytest.raises(DependencyUnavailableError):
        await PostgresEntityGraph(database).entity(ANN, person("Ada"))
    await database.close()
