"""What operators do by the API: replays, edits, discards, and orders to stages."""

import httpx
import pytest
from tests.integration.dlq_admin.asking import ANN, BASE, OPERATOR, as_, items
from tests.integration.dlq_admin.looking import rows, sent
from tests.unit.dlq_admin.letters import dead, work

from dlq_admin.consumers.indexer import Indexer
from docyard_common.database import Database
from docyard_common.events.stages import Stage

pytestmark = pytest.mark.integration


async def test_an_edit_is_repeated_by_its_key_and_made_once(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    (entry,) = await items(client, f"{BASE}/entries")
    path = f"{BASE}/entries/{entry['id']}/edit-and-replay"
    body = {"value": event.model_dump(mode="json"), "reason": "fixed"}
    headers = as_("admin") | {"Idempotency-Key": "once"}

    answers = [await client.post(path, headers=headers, json=body) for _ in range(2)]
    other = await client.post(path, headers=headers, json=body | {"reason": "other"})

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_group_is_replayed_as_a_resource_with_items_and_an_audit_trail(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    await indexer.apply([dead(), dead()])
    (group,) = await items(client, f"{BASE}/groups")
    order = {"group": group["fingerprint"], "reason": "parser fixed"}

    headers = OPERATOR | {"Idempotency-Key": "k1", "X-Request-Id": "req-1"}
    dry = await client.post(f"{BASE}/replays", headers=OPERATOR, json=order | {"dry_run": True})
    placed = await client.post(f"{BASE}/replays", headers=headers, json=order)
    again = await client.post(f"{BASE}/replays", headers=headers, json=order)
    other = await client.post(f"{BASE}/replays", headers=headers, json=order | {"max": 1})

    assert (dry.status_code, dry.json()["preview"]["eligible"]) == (202, 2)
    replay = placed.json()
    assert (placed.status_code, replay["status"], replay["matched"]) == (202, "pending", 2)
    assert again.json()["id"] == replay["id"]
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    path = placed.headers["Location"]
    waiting = await items(client, f"{path}/items", outcome="waiting")
    assert len(waiting) == 2
    cancelled = await client.post(f"{path}/cancel", headers=OPERATOR)
    assert (cancelled.json()["status"], cancelled.json()["skipped"]) == (
        "cancelled",
        {"cancelled": 2},
    )
    paused = await client.post(f"{path}/pause", headers=OPERATOR)
    assert (paused.status_code, paused.json()["code"]) == (409, "STATE_FORBIDS")
    assert len(await items(client, f"{BASE}/replays")) == 2
    deeds = await items(client, f"{BASE}/audit")
    assert [deed["operation"] for deed in deeds] == [
        "replay.cancel",
        "replay.create",
        "replay.dry_run",
    ]
    assert (deeds[1]["request_id"], deeds[1]["actor"]) == ("req-1", "oscar")
    assert len(await items(client, f"{BASE}/audit", operation="replay.create")) == 1


async def test_the_short_names_do_the_same(
    client: httpx.AsyncClient, indexer: Indexer, database: Database
) -> None:
    await indexer.apply([dead(), dead()])
    one, other = [task["id"] for task in await items(client, "/error-handling/failed-tasks")]

    deleted = await client.delete(f"/error-handling/failed-tasks/{one}", headers=OPERATOR)
    task = await client.get(f"/error-handling/failed-tasks/{one}", headers=OPERATOR)
    retried = await client.post(
        "/error-handling/retry-tasks", headers=OPERATOR, json={"task_ids": [one, other]}
    )
    figures = await client.get("/error-handling/statistics", headers=OPERATOR)
    health = await client.get("/error-handling/health", headers=ANN)

    assert (deleted.status_code, task.json()["state"]) == (204, "discarded")
    assert retried.json()["skipped"] == {"discarded": 1}
    assert figures.json()["by_state"] == {"discarded": 1, "replaying": 1}
    assert (health.json()["status"], list(health.json()["components"])) == ("ok", ["database"])
    assert len(await rows(database, "select 1 from replays")) == 1


async def test_discard_needs_a_reason_and_restore_opens_again(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    await indexer.apply([dead()])
    (entry,) = await items(client, f"{BASE}/entries")
    path = f"{BASE}/entries/{entry['id']}"

    silent = await client.post(f"{path}/discard", headers=OPERATOR, json={"reason": " "})
    discarded = await client.post(f"{path}/discard", headers=OPERATOR, json={"reason": "test file"})
    restored = await client.post(f"{path}/restore", headers=OPERATOR)

    assert silent.status_code == 422
    assert (discarded.json()["state"], discarded.json()["settled_reason"]) == (
        "discarded",
        "test file",
    )
    assert restored.json()["state"] == "open"


async def test_a_stage_is_resumed_through_the_outbox(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/api/v1/stages/extract/resume", headers=OPERATOR)
    unknown = await client.post("/api/v1/stages/billing/resume", headers=OPERATOR)

    (row,) = await sent(database)
    assert (answer.status_code, answer.json()["stage"]) == (202, Stage.EXTRACT)
    assert (row["topic"], bytes(row["key"])) == ("commands", b"extract")
    assert unknown.status_code == 422


async def test_the_slots_of_a_stage_are_changed_through_the_outbox(
    client: httpx.AsyncClient, database: Database
) -> None:
    path = "/api/v1/stages/extract/slots"

    answer = await client.post(path, headers=OPERATOR, json={"slots": 2})
    too_many = await client.post(path, headers=OPERATOR, json={"slots": 65})

    (row,) = await sent(database)
    assert (answer.status_code, answer.json()["slots"]) == (202, 2)
    assert (row["topic"], bytes(row["key"])) == ("commands", b"extract")
    assert too_many.status_code == 422
