"""Who may see what of dead letters, and who may act."""

from base64 import b64encode
from typing import Any

import httpx
import pytest
from tests.integration.dlq_admin.asking import ANN, BASE, OPERATOR, as_, items
from tests.unit.dlq_admin.letters import dead, lying, work
from tests.unit.dlq_admin.letters import sent as sent_work

from dlq_admin.consumers.indexer import Indexer
from docyard_common.kafka.received import ReceivedRecord

pytestmark = pytest.mark.integration
NOBODYS = "01a2179c-730b-7ebf-a405-52cd228b7c03"


def _dead_in_another_dialect() -> ReceivedRecord:
    """A dead letter as Spring Kafka writes it."""
    key, value, headers = sent_work(work())
    note = (("kafka_dlt-original-topic", b"t"), ("kafka_dlt-exception-stacktrace", b"Traceback"))
    return ReceivedRecord("dlq.extract", 0, 10**6, 0, key, value, (*headers, *note))


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
