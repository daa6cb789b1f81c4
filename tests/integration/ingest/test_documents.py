"""Documents over real servers: lists, reads, cancel, delete, and the borders between owners."""

from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest

from docyard_common.artifacts import original_key
from docyard_common.events.documents import DocumentDeleted
from docyard_common.events.work import CancelRequested
from docyard_common.ids import uuid7

pytestmark = pytest.mark.integration
DOCUMENTS = "/api/v1/documents"


async def uploaded(ingest: RunningIngest, data: bytes = b"hello world", **more: str) -> UUID:
    answer = await ingest.upload(data, **more)  # type: ignore[arg-type]
    assert answer.status_code == 202
    return UUID(answer.json()["document_id"])


async def test_a_document_reads_as_the_contract_says(ingest: RunningIngest) -> None:
    document_id = await uploaded(ingest, metadata='{"a": 1}')

    document = (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).json()

    assert set(document) >= {
        "document_id", "filename", "content_type", "size_bytes", "sha256", "state", "stage",
        "stage_index", "stage_count", "progress", "pages_done", "pages_total", "eta_s", "attempt",
        "priority", "seq", "error", "created_at", "updated_at", "completed_at", "metadata", "links",
    }  # fmt: skip
    assert document["state"] == "accepted"
    assert (document["stage"], document["progress"], document["seq"]) == (None, 0, 0)
    assert document["metadata"] == {"a": 1}
    assert document["created_at"].endswith("Z")


async def test_lists_are_paged_newest_first_and_owner_scoped(ingest: RunningIngest) -> None:
    mine = [str(await uploaded(ingest, f"text {n}".encode())) for n in range(5)]
    await ingest.upload(headers=ingest.as_owner("bob"))

    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await ingest.client.get(DOCUMENTS, params=query)).json()
        seen += [item["document_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == mine[::-1]


async def test_lists_are_narrowed_by_filters(ingest: RunningIngest) -> None:
    await uploaded(ingest, name="100%_plan.txt", priority="high")
    await uploaded(ingest, b"# Title", name="readme.md")

    async def names(**query: object) -> list[str]:
        answer = await ingest.client.get(DOCUMENTS, params=query)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return [item["filename"] for item in answer.json()["items"]]

    assert await names(type="text/markdown") == ["readme.md"]
    assert await names(priority="high") == ["100%_plan.txt"]
    assert await names(state=["accepted", "failed"]) == ["readme.md", "100%_plan.txt"]
    assert await names(state="failed") == []
    assert await names(q="PLAN") == ["100%_plan.txt"]
    assert await names(q="%_p") == ["100%_plan.txt"]
    assert await names(q="e%e") == []
    assert await names(created_after="2100-01-01T00:00:00Z") == []
    assert len(await names(created_before="2100-01-01T00:00:00")) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=nonsense", "CURSOR_INVALID"),
        ("limit=0", "VALIDATION_FAILED"),
        ("state=asleep", "VALIDATION_FAILED"),
        ("document_type=napkin", "VALIDATION_FAILED"),
        ("q=%00", "VALIDATION_FAILED"),
        ("colour=red", "VALIDATION_FAILED"),
    ],
)
async def test_an_odd_query_is_refused(ingest: RunningIngest, query: str, code: str) -> None:
    answer = await ingest.client.get(f"{DOCUMENTS}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_somebody_elses_document_is_not_there(ingest: RunningIngest) -> None:
    document_id = await uploaded(ingest)
    bob = ingest.as_owner("bob")
    base = f"{DOCUMENTS}/{document_id}"

    for path in (
        "",
        "/original",
        "/text",
        "/pages",
        "/pages/1",
        "/metadata",
        "/thumbnail",
        "/events",
        "/entities",
        "/relations",
    ):
        answer = await ingest.client.get(f"{base}{path}", headers=bob)
        assert (answer.status_code, answer.json()["code"]) == (404, "DOCUMENT_NOT_FOUND"), path
        assert answer.json()["document_id"] == str(document_id)
    for answer in (
        await ingest.client.get(f"/upload-status/{document_id}", headers=bob),
        await ingest.client.post(f"{base}/cancel", headers=bob),
        await ingest.client.delete(base, headers=bob),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "DOCUMENT_NOT_FOUND")
    assert (await ingest.client.get(base)).status_code == 200


async def test_the_original_comes_back_whole_and_in_ranges(ingest: RunningIngest) -> None:
    data = bytes(range(32, 127)) * 30_000
    document_id = await uploaded(ingest, data, name="Bericht für Ärzte.txt")
    url = f"{DOCUMENTS}/{document_id}/original"

    whole = await ingest.client.get(url)
    part = await ingest.client.get(url, headers={"Range": "bytes=1000000-1000099"})
    tail = await ingest.client.get(url, headers={"Range": "bytes=-10"})
    beyond = await ingest.client.get(url, headers={"Range": f"bytes={len(data)}-"})
    again = await ingest.client.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    changed = await ingest.client.get(
        url, headers={"Range": "bytes=0-0", "If-Range": '"something else"'}
    )

    assert whole.content == data
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"].startswith("attachment;")
    assert "UTF-8''Bericht%20f%C3%BCr" in whole.headers["Content-Disposition"]
    assert (part.status_code, part.content) == (206, data[1_000_000:1_000_100])
    assert part.headers["Content-Range"] == f"bytes 1000000-1000099/{len(data)}"
    assert tail.content == data[-10:]
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    assert (again.status_code, again.content) == (304, b"")
    assert (changed.status_code, len(changed.content)) == (200, len(data))


async def test_cancel_asks_for_the_end_of_the_work(ingest: RunningIngest) -> None:
    document_id = await uploaded(ingest)

    answer = await ingest.client.post(f"{DOCUMENTS}/{document_id}/cancel")

    assert answer.status_code == 202
    topic, command = (await ingest.outbox())[-1]
    assert topic == "commands"
    assert isinstance(command, CancelRequested)
    assert (command.document_id, command.requested_by) == (document_id, "ann")


@pytest.mark.parametrize(
    ("state", "status"), [("completed", 409), ("failed", 409), ("cancelled", 202)]
)
async def test_what_has_ended_can_not_be_cancelled(
    ingest: RunningIngest, state: str, status: int
) -> None:
    document_id = await uploaded(ingest)
    await ingest.rows(f"update documents set state = '{state}' returning 1")

    answer = await ingest.client.post(f"{DOCUMENTS}/{document_id}/cancel")

    assert answer.status_code == status
    assert status == 202 or answer.json()["code"] == "ALREADY_TERMINAL"
    assert "commands" not in [topic for topic, _ in await ingest.outbox()]


async def test_delete_erases_bytes_rows_and_tells_everybody(ingest: RunningIngest) -> None:
    document_id = await uploaded(ingest)
    await ingest.store.put(f"documents/{document_id}/1/extract/manifest.json.zst", b"x")
    url = f"{DOCUMENTS}/{document_id}"

    first = await ingest.client.delete(url)
    second = await ingest.client.delete(url)
    foreign = await ingest.client.delete(url, headers=ingest.as_owner("bob"))

    assert (first.status_code, second.status_code, foreign.status_code) == (204, 204, 404)
    assert (await ingest.client.get(url)).status_code == 404
    assert await ingest.keys() == []
    assert await ingest.rows("select * from documents") == []
    assert await ingest.rows("select * from document_events") == []
    topic, fact = (await ingest.outbox())[-1]
    assert topic == "documents.events"
    assert isinstance(fact, DocumentDeleted)
    assert len(await ingest.outbox()) == 3


async def test_an_unknown_document_can_not_be_deleted(ingest: RunningIngest) -> None:
    assert (await ingest.client.delete(f"{DOCUMENTS}/{uuid7()}")).status_code == 404


async def test_an_original_that_is_lost_is_told_as_such(ingest: RunningIngest) -> None:
    document_id = await uploaded(ingest)
    await ingest.store.delete(original_key(document_id))

    answer = await ingest.client.get(f"{DOCUMENTS}/{document_id}/original")

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_AVAILABLE")


async def test_stats_count_by_state_and_type(ingest: RunningIngest) -> None:
    await uploaded(ingest, b"12345")
    await uploaded(ingest, b"# 123", name="a.md")
    await ingest.upload(headers=ingest.as_owner("bob"))

    stats = (await ingest.client.get(f"{DOCUMENTS}/stats")).json()

    assert stats == {
        "total": 2,
        "size_bytes": 10,
        "by_state": {"accepted": 2},
        "by_content_type": {"text/markdown": 1, "text/plain": 1},
    }


async def test_clients_can_read_the_limits_first(ingest: RunningIngest) -> None:
    config = (await ingest.client.get("/files/security/config")).json()

    assert config["max_file_bytes"] == 24 * 1024 * 1024
    assert {"content_type": "application/pdf", "extensions": ["pdf"]} in config["allowed_types"]


async def test_every_answer_is_in_the_openapi_document(ingest: RunningIngest) -> None:
    document = (await ingest.client.get("/openapi.json")).json()
    upload = document["paths"]["/api/v1/documents/upload/simple"]["post"]

    assert document["openapi"].startswith("3.1")
    assert set(upload["responses"]) >= {"202", "400", "401", "408", "413", "415", "422", "503"}
    examples = upload["responses"]["422"]["content"]["application/problem+json"]["examples"]
    assert {"EMPTY_FILE", "TYPE_MISMATCH", "IDEMPOTENCY_KEY_REUSED"} <= set(examples)
    assert "multipart/form-data" in upload["requestBody"]["content"]
