"""Orders for many documents: narrowed, paced, paused, repeated and refused."""

from uuid import UUID

import pytest
from tests.integration.ingest.generations import DOCUMENTS, completed
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_projector import records
from tests.waiting import eventually

from docyard_common.events.stages import Priority
from docyard_common.events.work import CancelRequested, StageRequested
from ingest.projector import Projector

pytestmark = pytest.mark.integration


async def test_a_filter_reprocesses_what_an_older_pipeline_has_made(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(4)]
    versions = [1, 1, 2]
    await projector.apply(
        records(*(completed(i, 1, version=v) for i, v in zip(ids, versions, strict=False)))
    )
    body = {"filter": {"pipeline_version_below": 2}, "rate_per_s": 500}

    preview = await ingest.client.post(f"{DOCUMENTS}/reprocess", json={**body, "dry_run": True})
    order = await ingest.client.post(f"{DOCUMENTS}/reprocess", json=body)
    url = f"{DOCUMENTS}/bulk/{order.json()['id']}"
    await eventually(lambda: _is(ingest, url, "completed"))

    assert (preview.status_code, preview.json()["matched"], preview.json()["eligible"]) == (
        200, 3, 2,
    )  # fmt: skip
    ended = (await ingest.client.get(url)).json()
    assert (ended["matched"], ended["done"], ended["skipped"]) == (3, 2, {"document_in_work": 1})
    assert ended["in_work"] == 2
    lanes = {e.priority for _, e in await ingest.outbox() if isinstance(e, StageRequested)}
    assert Priority.LOW in lanes
    assert [await _generation(ingest, i) for i in ids] == [2, 2, 1, 1]


async def test_a_paused_operation_begins_nothing_and_its_budget_holds(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(3)]
    await projector.apply(records(*(completed(i, 1) for i in ids)))
    body = {"all": True, "rate_per_s": 500, "max_in_work": 1}
    order = (await ingest.client.post(f"{DOCUMENTS}/reprocess", json=body)).json()
    url = f"{DOCUMENTS}/bulk/{order['id']}"
    await eventually(lambda: _done(ingest, url, 1))

    paused = (await ingest.client.post(f"{url}/pause")).json()
    await projector.apply(records(completed(ids[0], 2)))
    foreign = await ingest.client.get(url, headers=ingest.as_owner("bob"))
    resumed = (await ingest.client.post(f"{url}/resume")).json()
    await eventually(lambda: _done(ingest, url, 2))
    ended = (await ingest.client.post(f"{url}/cancel")).json()

    assert (paused["status"], paused["done"]) == ("paused", 1)
    assert (resumed["status"], foreign.status_code) == ("pending", 404)
    assert (ended["status"], ended["done"]) == ("cancelled", 2)
    again = await ingest.client.post(f"{url}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "BULK_OPERATION_OVER")


async def test_a_filter_cancels_what_is_in_work(
    ingest: RunningIngest, projector: Projector
) -> None:
    ids = [UUID((await ingest.upload(b"%d" % n)).json()["document_id"]) for n in range(2)]
    await projector.apply(records(completed(ids[0], 1)))
    body = {"filter": {"document_ids": [str(i) for i in ids]}}

    order = (await ingest.client.post(f"{DOCUMENTS}/cancel", json=body)).json()
    url = f"{DOCUMENTS}/bulk/{order['id']}"
    await eventually(lambda: _is(ingest, url, "completed"))

    ended = (await ingest.client.get(url)).json()
    assert (ended["done"], ended["skipped"]) == (1, {"already_terminal": 1})
    commands = [e for _, e in await ingest.outbox() if isinstance(e, CancelRequested)]
    assert [command.document_id for command in commands] == [ids[1]]


async def test_orders_that_are_not_meant_are_refused(ingest: RunningIngest) -> None:
    unnarrowed = await ingest.client.post(f"{DOCUMENTS}/cancel", json={})
    unknown = await ingest.client.post(f"{DOCUMENTS}/cancel", json={"filter": {"colour": "red"}})
    others = await ingest.client.post(f"{DOCUMENTS}/cancel", json={"all": True, "all_owners": True})

    assert [a.status_code for a in (unnarrowed, unknown, others)] == [422, 422, 403]
    assert (await ingest.client.get(f"{DOCUMENTS}/bulk")).json()["items"] == []


async def _is(ingest: RunningIngest, url: str, status: str) -> bool:
    found: dict[str, object] = (await ingest.client.get(url)).json()
    return found["status"] == status


async def _done(ingest: RunningIngest, url: str, count: int) -> bool:
    found: dict[str, object] = (await ingest.client.get(url)).json()
    return found["done"] == count


@pytest.mark.parametrize("what", ["cancel", "reprocess"])
async def test_the_same_idempotency_key_places_one_order(ingest: RunningIngest, what: str) -> None:
    key, url = {"Idempotency-Key": "once"}, f"{DOCUMENTS}/{what}"

    first, second = [
        await ingest.client.post(url, json={"all": True}, headers=key) for _ in range(2)
    ]
    other = await ingest.client.post(url, json={"all": True, "max": 3}, headers=key)

    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len((await ingest.client.get(f"{DOCUMENTS}/bulk")).json()["items"]) == 1


async def test_numbers_that_the_database_can_not_hold_are_refused(ingest: RunningIngest) -> None:
    most = 2**31
    listed = await ingest.client.get(DOCUMENTS, params={"pipeline_version_below": most})
    ordered = await ingest.client.post(
        f"{DOCUMENTS}/cancel", json={"filter": {"pipeline_version_below": most}}
    )
    operator = ingest.as_owner("olga", roles=("operator",))
    silent = await ingest.client.post(
        "/api/v1/reconcile", json={"silent_s": 1e12}, headers=operator
    )

    assert [one.status_code for one in (listed, ordered, silent)] == [422, 422, 422]


async def _generation(ingest: RunningIngest, document_id: UUID) -> int:
    found: dict[str, int] = (await ingest.client.get(f"{DOCUMENTS}/{document_id}")).json()
    return found["generation"]
