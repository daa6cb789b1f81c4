"""A person asks who is named with whom in their documents."""

import json
import subprocess
import sys

import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

from docyard import AsyncClient, NotFoundError, Upload

pytestmark = pytest.mark.e2e
FIRST = b"Minutes\n\nDr. Ada Lovelace met Prof. Charles Babbage in London.\n"
SECOND = (
    b"Dear Ms. Smith,\n\nProf. Charles Babbage wrote to Dr. Mary Somerville.\n\nYours sincerely,\n"
)


async def entity(client: AsyncClient, name: str) -> str:
    (found,) = (await client.graph.entities(name, kinds=["person"])).items
    return found.entity_id


async def test_documents_that_share_a_person_connect_those_they_name(person: Person) -> None:
    async with person.client() as client:
        first = await client.upload(Upload(FIRST, filename="minutes.txt"))
        second = await client.upload(Upload(SECOND, filename="letter.txt"))
        documents = await client.wait([first.document_id, second.document_id], timeout_s=120)
        ada, mary = [await entity(client, name) for name in ("ada lovelace", "somerville")]
        babbage = await client.graph.entity(await entity(client, "babbage"))

        neighbours = (await client.graph.neighbours(babbage.entity_id, kinds=["person"])).items
        (path,) = (await client.graph.paths(ada, mary)).items
        shown = await client.graph.evidence(path.relations[1].relation_id)
        letters = (await client.documents.metadata(second.document_id)).classification
        chunks = (await client.documents.chunks(first.document_id)).items

        assert [document.document_type for document in documents] == ["minutes", "letter"]
        assert letters
        assert letters.document_type == "letter"
        assert babbage.documents == 2
        assert {"Ada Lovelace", "Mary Somerville"} <= {each.entity.text for each in neighbours}
        assert [each.text for each in path.entities] == [
            "Ada Lovelace",
            "Charles Babbage",
            "Mary Somerville",
        ]
        (place,) = shown.items
        assert (place.document_id, place.page) == (second.document_id, 1)
        assert "Charles Babbage wrote to Dr. Mary Somerville" in (place.snippet or "")
        assert SECOND.decode()[place.start : place.end].startswith("Charles Babbage wrote")
        assert chunks[0].page_first == 1

        await client.documents.delete(second.document_id)

        with pytest.raises(NotFoundError):
            await client.graph.entity(mary)
        assert (await client.graph.entity(babbage.entity_id)).documents == 1


async def test_the_command_line_walks_the_graph(person: Person) -> None:
    async with person.client() as client:
        accepted = await client.upload(Upload(FIRST, filename="minutes.txt"))
        await client.wait([accepted.document_id], timeout_s=120)

    def docyard(*arguments: str) -> list[dict[str, str]]:
        command = [sys.executable, "-m", "docyard", "graph", *arguments, "--json"]
        done = subprocess.run(
            command, capture_output=True, check=False, text=True, env=person.environment()
        )
        assert done.returncode == 0, done.stderr
        items: list[dict[str, str]] = json.loads(done.stdout)["items"]
        return items

    (ada,) = docyard("entities", "lovelace")
    (babbage,) = docyard("entities", "babbage")
    neighbours = docyard("neighbours", ada["entity_id"], "--kind", "person")
    (way,) = docyard("path", ada["entity_id"], babbage["entity_id"])
    mentions = docyard("mentions", ada["entity_id"])

    assert ada["kind"] == "person"
    assert json.dumps(neighbours).count('"Charles Babbage"') == 1
    assert len(way["relations"]) == 1
    assert mentions[0]["document_id"] == accepted.document_id


async def test_a_reprocessed_document_stays_in_the_graph_once(person: Person) -> None:
    async with person.client() as client:
        accepted = await client.upload(Upload(FIRST, filename="minutes.txt"))
        await client.wait([accepted.document_id], timeout_s=120)
        await client.processing.reprocess(accepted.document_id, from_stage="index")

        async def is_whole() -> bool:
            document = await client.documents.get(accepted.document_id)
            return bool(document.to_json()["result_generation"] == 2)

        await eventually(is_whole)

        ada = await client.graph.entity(await entity(client, "lovelace"))
    assert (ada.documents, ada.mentions) == (1, 1)
