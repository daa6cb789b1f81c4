"""What belongs to somebody else does not exist: everywhere, in every way of asking."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.e2e.conftest import Admit, Person
from tests.waiting import eventually
from websockets.asyncio.client import connect

from docyard import DeadLetterFilter, NotFoundError
from docyard_stack import samples
from docyard_stack.samples import Sample

pytestmark = pytest.mark.e2e

LIMIT_S = 120


@pytest.fixture(scope="module")
def stranger(admit: Admit) -> Person:
    return admit()


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    return samples.pdf(tmp_path / "secret.pdf", pages=2, seed=31)


@pytest.fixture
async def document_id(person: Person, sample: Sample) -> str:
    async with person.client() as client:
        document_id = (await client.upload(sample.path)).document_id
        await client.wait([document_id], timeout_s=LIMIT_S)
        return document_id


READS = ["", "/original", "/text", "/pages", "/pages/1", "/metadata", "/entities", "/events"]


async def test_no_route_knows_it(stranger: Person, document_id: str) -> None:
    path = f"/api/v1/documents/{document_id}"
    async with stranger.http() as http:
        answers = [await http.get(f"{path}{part}") for part in READS]
        answers += [
            await http.post(f"{path}/cancel"),
            await http.delete(path),
            await http.get(f"/upload-status/{document_id}"),
        ]

    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"DOCUMENT_NOT_FOUND"}


async def test_no_list_and_no_search_shows_it(
    person: Person, stranger: Person, document_id: str, sample: Sample
) -> None:
    async with stranger.client() as client:
        listed = await client.documents.list()
        hits = await client.search(sample.words[0])
        inside = await client.search(sample.words[0], document_id=document_id)
        letters = await client.dlq.list(DeadLetterFilter(owner=person.name))

    assert [*listed.items, *hits.items, *inside.items, *letters.items] == []


async def ask(stranger: Person, kind: str, document_id: str) -> tuple[str, str]:
    async with connect(f"{stranger.endpoints.websocket}/api/v1/ws/progress", proxy=None) as socket:
        await socket.send(json.dumps({"type": "connect", "token": stranger.token}))
        await socket.recv()
        await socket.send(json.dumps({"type": kind, "job_id": document_id}))
        answer = json.loads(await socket.recv())
    return answer["type"], answer["code"]


async def test_no_stream_tells_of_it(stranger: Person, document_id: str) -> None:
    async with stranger.http(stranger.endpoints.notifier) as http:
        cancelling, asking, stream = await asyncio.gather(
            ask(stranger, "cancel_job", document_id),
            ask(stranger, "get_job_status", document_id),
            http.get(f"/api/v1/documents/{document_id}/events/stream"),
        )

    assert cancelling == asking == ("error", "NOT_FOUND")
    assert stream.status_code == 404


async def test_its_owner_still_has_it_and_erases_it_everywhere(
    person: Person, document_id: str, sample: Sample
) -> None:
    async with person.client() as client:
        before = await client.search(sample.words[0])
        await client.documents.delete(document_id)
        await client.documents.delete(document_id)
        with pytest.raises(NotFoundError):
            await client.documents.get(document_id)
        with pytest.raises(NotFoundError):
            await client.documents.text(document_id)
        listed = await client.documents.list()

        async def unsearchable() -> bool:
            return not (await client.search(sample.words[0])).items

        await eventually(unsearchable)

    assert {hit.document_id for hit in before.items} == {document_id}
    assert listed.items == ()
