"""What the API tells of dead letters: entries, groups, figures and its own document."""

import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.integration.dlq_admin.asking import BASE, OPERATOR, items
from tests.unit.dlq_admin.letters import NOON, dead, death, lying, work

from dlq_admin.consumers.indexer import Indexer
from docyard_common.delivery import oversize
from docyard_common.delivery.headers import Cause
from docyard_common.errors import FailureReason
from docyard_common.events.codec import Record

pytestmark = pytest.mark.integration


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


async def test_the_document_of_the_api_can_be_generated(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()

    assert "/api/v1/dlq/entries/{entry_id}/edit-and-replay" in schema["paths"]
