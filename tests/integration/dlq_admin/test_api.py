import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.integration.dlq_admin.looking import rows, sent
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work
from tests.unit.dlq_admin.letters import sent as sent_work

from dlq_admin.app import application, assemble
from dlq_admin.consumers.indexer import Indexer
from dlq_admin.settings import DlqAdminSettings
from docyard_common.auth import TokenVerifier, mint
from docyard_common.database import Database
from docyard_common.delivery import oversize
from docyard_common.delivery.headers import Cause
from docyard_common.errors import FailureReason
from docyard_common.events.codec import Record
from docyard_common.events.stages import Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.observability.health import Health
from docyard_common.settings import AuthSettings, DatabaseSettings

pytestmark = pytest.mark.integration
NOBODYS = "01a2179c-730b-7ebf-a405-52cd228b7c03"

SECRET = "s" * 32
BASE = "/api/v1/dlq"


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def client(
    database: Database, database_settings: DatabaseSettings
) -> AsyncIterator[httpx.AsyncClient]:
    settings = DlqAdminSettings(
        database=database_settings, auth=AuthSettings.model_validate({"secret": SECRET})
    )
    health = Health("dlq-admin")
    health.add("database", database.ping)
    app = application(
        settings,
        assemble(database, health),
        nothing,
        verifier=TokenVerifier(settings.auth),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def as_(role: str, subject: str = "oscar") -> dict[str, str]:
    token = mint(SECRET, subject=subject, roles=(role,))
    return {"Authorization": f"Bearer {token}"}


OPERATOR = as_("operator")
ANN = as_("user", "ann")


def _dead_in_another_dialect() -> ReceivedRecord:
    """A dead letter as Spring Kafka writes it."""
    key, value, headers = sent_work(work())
    note = (("kafka_dlt-original-topic", b"t"), ("kafka_dlt-exception-stacktrace", b"Traceback"))
    return ReceivedRecord("dlq.extract", 0, 10**6, 0, key, value, (*headers, *note))


async def items(client: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, headers=OPERATOR, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_an_entry_reads_as_the_contract_says(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    event = work()
    await indexer.apply([dead(event)])
    (short,) = await items(client, f"{BASE}/entries")

    answer = await client.get(f"{BASE}/entries/{short['id']}", headers=OPERATOR)

    entry = answer.json()
    assert entry["document_id"] == str(event.document_id)
    assert (entry["state"], entry["reason"], entry["stage"]) == (
        "open",
        "unreadable_document",
        "extract",
    )
    assert entry["error"] == {
        "class": "PdfiumError",
        "message": "page 7 is damaged",
        "stack": "Traceback: secret/path.py",
    }
    assert entry["value"]["filename"] == "a.pdf"
    assert {"ce_id", "traceparent", "docyard-dlq-reason"} <= {h["name"] for h in entry["headers"]}
    assert [attempt["kind"] for attempt in entry["attempts"]] == ["dead_letter"]
    assert "value" not in short


async def test_bytes_that_are_no_text_are_shown_raw(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    await indexer.apply([lying(b"\xff", b"\xfe", (("ce_type", b"\xfd"),))])
    (short,) = await items(client, f"{BASE}/entries")

    entry = (await client.get(f"{BASE}/entries/{short['id']}", headers=OPERATOR)).json()

    assert (entry["key"], entry["key_base64"]) == (None, "/w==")
    assert (entry["value"], entry["value_base64"]) == (None, "/g==")
    assert entry["headers"][0] == {"name": "ce_type", "value": None, "value_base64": "/Q=="}


async def test_users_see_their_own_entries_without_our_insides_and_change_nothing(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    await indexer.apply([dead(work(owner="ann")), dead(work(owner="bob")), lying(b"k", b"v", ())])
    everything = await items(client, f"{BASE}/entries")
    assert len(everything) == 3
    bobs = next(entry["id"] for entry in everything if entry["owner"] == "bob")

    listed = (await client.get(f"{BASE}/entries", headers=ANN)).json()["items"]
    foreign = await client.get(f"{BASE}/entries", headers=ANN, params={"owner": "bob"})
    own = await client.get(f"{BASE}/entries/{listed[0]['id']}", headers=ANN)
    groups = (await client.get(f"{BASE}/groups", headers=ANN)).json()["items"]

    assert [entry["owner"] for entry in listed] == ["ann"]
    assert foreign.json()["items"] == []
    assert own.json()["error"]["stack"] is None
    assert [group["count"] for group in groups] == [1]
    hidden = await client.get(f"{BASE}/entries/{bobs}", headers=ANN)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "ENTRY_NOT_FOUND")


@pytest.mark.parametrize("path", [f"{BASE}/entries", "/error-handling/failed-tasks"])
async def test_only_operators_see_stacks_and_who_replayed_why(
    client: httpx.AsyncClient, indexer: Indexer, path: str
) -> None:
    await indexer.apply([dead(), _dead_in_another_dialect()])
    own = [entry["id"] for entry in await items(client, f"{BASE}/entries")]
    order = {"entry_ids": own, "reason": "customer called twice"}
    assert (await client.post(f"{BASE}/replays", headers=OPERATOR, json=order)).status_code == 202

    for entry_id in own:
        shown = await client.get(f"{path}/{entry_id}", headers=ANN)
        whole = await client.get(f"{path}/{entry_id}", headers=OPERATOR)

        for inside in ("Traceback", b64encode(b"Traceback").decode()[:11], "oscar", "twice"):
            assert inside not in shown.text
            assert inside in whole.text
        names = {header["name"] for header in shown.json()["headers"]}
        assert {"ce_id", "traceparent"} <= names
        assert len(shown.json()["replays"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{BASE}/replays", {"entry_ids": [NOBODYS]}),
        ("GET", f"{BASE}/replays", None),
        ("GET", f"{BASE}/replays/{NOBODYS}", None),
        ("POST", f"{BASE}/entries/{NOBODYS}/discard", {"reason": "x"}),
        ("POST", f"{BASE}/entries/{NOBODYS}/restore", None),
        ("GET", f"{BASE}/stats", None),
        ("GET", f"{BASE}/export", None),
        ("GET", f"{BASE}/audit", None),
        ("POST", "/api/v1/stages/extract/resume", None),
        ("DELETE", f"/error-handling/failed-tasks/{NOBODYS}", None),
        ("POST", "/error-handling/retry-tasks", {"task_ids": [NOBODYS]}),
        ("GET", "/error-handling/statistics", None),
        ("GET", "/error-handling/circuit-breakers", None),
        ("POST", "/error-handling/circuit-breakers/extract.object_store/reset", None),
    ],
)
async def test_acting_needs_the_role_operator(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    anonymous = await client.request(method, path, json=body)
    user = await client.request(method, path, json=body, headers=ANN)

    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "TOKEN_MISSING")
    assert (user.status_code, user.json()["code"]) == (403, "ROLE_REQUIRED")


async def test_editing_needs_the_role_admin(client: httpx.AsyncClient, indexer: Indexer) -> None:
    event = work()
    await indexer.apply([dead(event)])
    (entry,) = await items(client, f"{BASE}/entries")
    path = f"{BASE}/entries/{entry['id']}/edit-and-replay"
    body = {"value": event.model_dump(mode="json"), "reason": "fixed"}

    assert (await client.post(path, headers=OPERATOR, json=body)).status_code == 403
    answer = await client.post(path, headers=as_("admin"), json=body)
    wrong = await client.post(path, headers=as_("admin"), json={"value": {}, "reason": "x"})

    assert (answer.status_code, answer.json()["status"]) == (202, "completed")
    assert wrong.status_code == 409


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


async def test_an_entry_whose_record_is_packed_says_so(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    large = Record("work.extract.high", b"k", b"{" * 2**21, ())
    letter = oversize.letter(large, death(reason=FailureReason.UNDECODABLE_RECORD))
    lain = lying(letter.key, letter.value, ())
    await indexer.apply([replace(lain, headers=tuple(letter.headers)), dead()])

    (packed,) = await items(client, f"{BASE}/entries", reason="undecodable_record")
    path = f"{BASE}/entries/{packed['id']}"
    shown = (await client.get(path, headers=OPERATOR)).json()

    assert shown["packed_bytes"] == 2**21 + 1
    heads = {header["name"]: header["value"] for header in shown["headers"]}
    assert heads["docyard-dlq-packed-head"].startswith("{{{")
    assert oversize.unpacked(b64decode(shown["value_base64"])) == (b"k", b"{" * 2**21, ())


async def test_filters_narrow_and_pages_follow_each_other(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    late = death(30, reason=FailureReason.TIMEOUT, cause=Cause("Timeout", "100%_slow", ""))
    await indexer.apply([dead() for _ in range(5)] + [dead(of=late)])

    async def count(**params: Any) -> int:
        return len(await items(client, f"{BASE}/entries", **params))

    assert await count(reason="timeout") == 1
    assert await count(text="0%_s") == 1
    assert await count(text="%") == 1
    assert await count(stage="index") == 0
    assert await count(state=["open", "parked"]) == 6
    assert await count(state="discarded") == 0
    assert await count(since=NOON.replace(tzinfo=None).isoformat()) == 6
    assert await count(until=NOON.isoformat()) == 5

    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"{BASE}/entries", headers=OPERATOR, params=params)).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("entries", {"cursor": "x"}, "INVALID_CURSOR"),
        ("groups", {"cursor": "x"}, "INVALID_CURSOR"),
        ("replays", {"cursor": "x"}, "INVALID_CURSOR"),
        ("audit", {"cursor": "x"}, "INVALID_CURSOR"),
        ("entries", {"limit": "0"}, "VALIDATION_FAILED"),
        ("entries", {"text": "a\0b"}, "VALIDATION_FAILED"),
        ("entries", {"state": "lost"}, "VALIDATION_FAILED"),
        ("entries/x", {}, "VALIDATION_FAILED"),
        ("entries", {"since": "yesterday"}, "VALIDATION_FAILED"),
    ],
)
async def test_bad_questions_are_refused_with_a_code(
    client: httpx.AsyncClient, path: str, params: dict[str, str], code: str
) -> None:
    answer = await client.get(f"{BASE}/{path}", headers=OPERATOR, params=params)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_groups_gather_failures_of_one_cause_with_their_trend(
    client: httpx.AsyncClient, indexer: Indexer
) -> None:
    other = death(cause=Cause("MemoryError", "no room", ""))
    await indexer.apply([dead(), dead(), dead(of=other)])

    groups = await items(client, f"{BASE}/groups")

    assert sorted(group["count"] for group in groups) == [1, 2]
    biggest = max(groups, key=lambda group: group["count"])
    assert (biggest["stage"], biggest["reason"]) == ("extract", "unreadable_document")
    assert (len(biggest["trend"]), sum(biggest["trend"])) == (24, 2)
    first = await client.get(f"{BASE}/groups", headers=OPERATOR, params={"limit": 1})
    cursor = first.json()["next_cursor"]
    (second,) = await items(client, f"{BASE}/groups", cursor=cursor)
    assert second["fingerprint"] != first.json()["items"][0]["fingerprint"]


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


async def test_stats_and_export(client: httpx.AsyncClient, indexer: Indexer) -> None:
    await indexer.apply([dead(), dead(), lying(b"k", b"\xff", ())])

    stats = (await client.get(f"{BASE}/stats", headers=OPERATOR)).json()
    exported = await client.get(f"{BASE}/export", headers=OPERATOR, params={"state": "open"})

    assert (stats["by_state"], stats["arrived_last_day"]) == ({"open": 3}, 3)
    assert stats["after_replay"]["failed_again_ratio"] is None
    assert exported.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert len({line["id"] for line in lines}) == 3
    assert all(line["value_base64"] for line in lines)


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


async def test_the_document_of_the_api_can_be_generated(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()

    assert "/api/v1/dlq/entries/{entry_id}/edit-and-replay" in schema["paths"]
