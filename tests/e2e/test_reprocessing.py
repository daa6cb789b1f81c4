"""A person has documents processed once more, and reads what they had meanwhile."""

import httpx
import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

from docyard import Upload

pytestmark = pytest.mark.e2e
TEXT = b"# Termination\n\nThe clause about termination is long, and it is in English.\n"


async def completed(person: Person) -> str:
    async with person.client() as client:
        accepted = await client.upload(Upload(TEXT, filename="contract.md"))
        (document,) = await client.wait([accepted.document_id], timeout_s=120)
    assert document.state == "completed"
    return accepted.document_id


async def is_whole(http: httpx.AsyncClient, document_id: str, generation: int) -> bool:
    found = (await http.get(f"/api/v1/documents/{document_id}")).json()
    assert found["state"] not in ("failed", "cancelled"), found
    return bool(found["result_generation"] == generation)


async def readable(http: httpx.AsyncClient, document_id: str) -> bool:
    text = await http.get(f"/api/v1/documents/{document_id}/text")
    metadata = (await http.get(f"/api/v1/documents/{document_id}/metadata")).json()
    return text.status_code == 200 and "termination" in text.text and metadata["language"] == "en"


async def found(http: httpx.AsyncClient, document_id: str) -> bool:
    answer = await http.get("/api/v1/search", params={"q": "termination", "mode": "text"})
    return [hit["document_id"] for hit in answer.json()["items"]] == [document_id]


@pytest.mark.parametrize("stage", ["validate", "extract", "analyze", "index"])
async def test_a_document_is_processed_again_from_any_stage(person: Person, stage: str) -> None:
    document_id = await completed(person)
    async with person.http() as http:
        url = f"/api/v1/documents/{document_id}/reprocess"
        answer = await http.post(url, json={"from_stage": stage})
        assert answer.status_code == 202, answer.text

        assert await readable(http, document_id), "the earlier result stays"
        await eventually(lambda: is_whole(http, document_id, 2))

        assert await readable(http, document_id)
        assert await found(http, document_id)
        facts = (await http.get(f"/api/v1/documents/{document_id}/events")).json()["items"]
    finished = [f["data"] for f in facts if f["type"] == "docyard.document.stage_finished.v1"]
    again = [data["stage"] for data in finished if data["generation"] == 2]
    stages = ["validate", "extract", "analyze", "index"]
    assert again == stages[stages.index(stage) :]


async def test_a_cancelled_reprocessing_leaves_the_document_readable_and_found(
    person: Person,
) -> None:
    document_id = await completed(person)
    async with person.http() as http:
        url = f"/api/v1/documents/{document_id}"
        await http.post(f"{url}/reprocess")
        await http.post(f"{url}/cancel")

        async def has_ended() -> bool:
            return (await http.get(url)).json()["state"] in ("cancelled", "completed")

        await eventually(has_ended)
        assert await readable(http, document_id)
        assert await found(http, document_id)


async def test_many_documents_are_processed_again_by_filter(person: Person) -> None:
    ids = [await completed(person) for _ in range(3)]
    async with person.http() as http:
        order = await http.post("/api/v1/documents/reprocess", json={"all": True})
        assert order.status_code == 202, order.text
        for document_id in ids:
            await eventually(lambda one=document_id: is_whole(http, one, 2))
        operation = (await http.get(order.headers["location"])).json()

    assert (operation["matched"], operation["done"]) == (3, 3)
