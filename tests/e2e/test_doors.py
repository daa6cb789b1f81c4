"""Ways in beside the simple upload, through the whole stack: several files, and a question."""

from typing import Any

import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

pytestmark = pytest.mark.e2e

CONTRACT = (
    b"The landlord of this flat is Mr Miller from Hamburg. The flat has three rooms.\n\n"
    b"The tenant pays a monthly rent of 700 euros on the third day of every month.\n"
)


async def test_batch_is_processed_but_for_its_bad_file(person: Person) -> None:
    files = [
        ("files", ("contract.txt", CONTRACT, "text/plain")),
        ("files", ("tool.exe", b"MZ", "application/octet-stream")),
        ("files", ("notes.md", b"# Notes\n\nWater the plants.\n", "text/markdown")),
    ]
    async with person.http() as http:
        answer = await http.post("/api/v1/documents/upload/batch", files=files)
        assert answer.status_code == 207
        items = answer.json()["items"]
        assert [item["http_status"] for item in items] == [202, 415, 202]

        async def all_completed() -> bool:
            states = [
                (await http.get(item["links"]["status"])).json()["status"]
                for item in items
                if item["document_id"]
            ]
            return states == ["completed"] * 2

        await eventually(all_completed)
        quota = (await http.get("/api/v1/quota")).json()
        assert quota["documents"]["used"] == 2


async def test_question_about_an_upload_is_answered_with_its_page(person: Person) -> None:
    async with person.http() as http:
        asked = await http.post(
            "/api/chat/upload/async",
            files={"file": ("contract.txt", CONTRACT, "text/plain")},
            data={"session_id": "s1", "message": "monthly rent"},
        )
        assert asked.status_code == 202
        job_id = asked.json()["data"]["jobId"]
        data: dict[str, Any] = {}

        async def is_answered() -> bool:
            body = (await http.get(f"/api/chat/upload/status/{job_id}")).json()
            data.update(body["data"])
            return bool(data["status"] == "completed")

        await eventually(is_answered)

    text = data["result"]["aiResponse"]["text"]
    assert "contract.txt, page 1:" in text
    assert "700 euros" in text
