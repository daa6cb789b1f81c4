"""A person stops and steers what is done to many documents from the command line."""

import json
import subprocess

import pytest
from tests.e2e.conftest import DOCYARD, Person
from tests.waiting import eventually

from docyard import Upload

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def docyard(person: Person, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DOCYARD, *arguments, "--json"],
        env=person.environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


async def test_an_operation_is_paused_resumed_and_ended(person: Person) -> None:
    async with person.client() as client:
        uploads = [Upload(b"text %d" % n, filename=f"{n}.txt") for n in range(4)]
        ids = [(await client.upload(one)).document_id for one in uploads]
        await client.wait(ids, timeout_s=120)
    async with person.http() as http:
        order = {"all": True, "rate_per_s": 0.1}
        answer = await http.post("/api/v1/documents/reprocess", json=order)
    operation_id = answer.json()["id"]

    listed = json.loads(docyard(person, "operations", "ls").stdout)
    told = [
        json.loads(docyard(person, "operations", verb, operation_id).stdout)["status"]
        for verb in ("pause", "show", "resume", "cancel")
    ]
    again = docyard(person, "operations", "resume", operation_id)

    assert [item["id"] for item in listed["items"]] == [operation_id]
    assert told[:2] == ["paused", "paused"]
    assert told[2] in ("pending", "running")
    assert told[3] == "cancelled"
    assert (again.returncode, json.loads(again.stderr)["error"]["code"]) == (
        5, "BULK_OPERATION_OVER",
    )  # fmt: skip


async def test_work_is_cancelled_by_filter(person: Person) -> None:
    async with person.client() as client:
        for n in range(3):
            await client.upload(Upload(b"text %d" % n, filename=f"cancel-{n}.txt", priority="low"))
        counted = json.loads(docyard(person, "cancel", "--priority", "high", "--dry-run").stdout)
        assert (counted["dry_run"], counted["matched"]) == (True, 0)

        ordered = json.loads(docyard(person, "cancel", "--name", "cancel-", "--yes").stdout)
        found = await client.documents.list()
        await client.wait([item.document_id for item in found.items], timeout_s=120)

        async def over() -> bool:
            operation = await client.processing.operation(ordered["id"])
            return operation.status == "completed"

        await eventually(over)
    assert (ordered["kind"], ordered["matched"] <= 3) == ("cancel", True)
    refused = docyard(person, "cancel", "--dry-run")
    assert refused.returncode == 2
