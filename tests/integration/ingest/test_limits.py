"""What one owner may upload: tiers, quotas, and who changes them while the service runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.ingest.conftest import MIB
from tests.integration.ingest.serving import RunningIngest, running

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.ids import uuid7
from ingest.errors import FileTooLargeError, StorageQuotaExceededError, TooManyUploadsError
from ingest.limits.admission import Admission
from ingest.limits.source import LimitSource
from ingest.settings import IngestSettings, LimitSettings

pytestmark = pytest.mark.integration

LIMITS = "/api/v1/owners/ann/limits"
QUOTA = "/api/v1/quota"


async def set_limits(ingest: RunningIngest, owner: str = "ann", **overrides: Any) -> None:
    answer = await ingest.client.put(
        f"/api/v1/owners/{owner}/limits",
        json=overrides,
        headers=ingest.as_owner("olga", roles=("operator",)),
    )
    assert answer.status_code == 200, answer.text


async def quota(ingest: RunningIngest) -> dict[str, Any]:
    answer = await ingest.client.get(QUOTA)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_quota_shows_what_is_used_and_forgets_what_is_deleted(ingest: RunningIngest) -> None:
    await set_limits(ingest, max_documents=5, max_stored_bytes=1000)
    first = (await ingest.upload(b"x" * 300)).json()["document_id"]
    await ingest.upload(b"y" * 200)

    used = await quota(ingest)
    assert used["documents"] == {"used": 2, "limit": 5, "remaining": 3}
    assert used["stored_bytes"] == {"used": 500, "limit": 1000, "remaining": 500}

    assert (await ingest.client.delete(f"/api/v1/documents/{first}")).status_code == 204
    assert (await ingest.client.delete(f"/api/v1/documents/{first}")).status_code == 204

    used = await quota(ingest)
    assert used["documents"]["used"] == 1
    assert used["stored_bytes"]["used"] == 200


async def test_owner_sees_no_limit_as_null(ingest: RunningIngest) -> None:
    used = await quota(ingest)

    assert used["documents"] == {"used": 0, "limit": None, "remaining": None}
    assert used["max_file_bytes"] == 24 * MIB
    assert used["tier"] == "custom"


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"max_stored_bytes": 3 * 10_000}, "STORAGE_QUOTA_EXCEEDED"),
        ({"max_documents": 3}, "DOCUMENT_QUOTA_EXCEEDED"),
    ],
)
async def test_parallel_uploads_fill_a_quota_exactly(
    ingest: RunningIngest, overrides: dict[str, Any], code: str
) -> None:
    await set_limits(ingest, **overrides)

    answers = await asyncio.gather(*(ingest.upload(bytes([65 + n]) * 10_000) for n in range(20)))

    accepted = [answer for answer in answers if answer.status_code == 202]
    refused = [answer.json() for answer in answers if answer.status_code != 202]
    assert len(accepted) == 3
    assert {(problem["status"], problem["code"]) for problem in refused} == {(507, code)}
    assert not any(problem["retryable"] for problem in refused)
    assert len(await ingest.rows("select 1 from documents")) == 3
    assert (await quota(ingest))["documents"]["used"] == 3


async def test_full_owner_is_refused_and_others_are_not(ingest: RunningIngest) -> None:
    await set_limits(ingest, max_documents=1)
    assert (await ingest.upload()).status_code == 202

    assert (await ingest.upload()).status_code == 507
    assert (await ingest.upload(headers=ingest.as_owner("bob"))).status_code == 202


async def test_size_tier_of_one_owner_changes_without_a_restart(ingest: RunningIngest) -> None:
    data = b"x" * (24 * MIB + 1)
    assert (await ingest.upload(data)).json()["code"] == "FILE_TOO_LARGE"

    await set_limits(ingest, tier="medium")

    assert (await ingest.upload(data)).status_code == 202
    assert (await quota(ingest))["tier"] == "medium"
    config = (await ingest.client.get("/files/security/config")).json()
    assert (config["tier"], config["max_file_bytes"]) == ("medium", 25 * MIB)


async def test_lowered_size_refuses_what_was_fine_before(ingest: RunningIngest) -> None:
    await set_limits(ingest, max_file_bytes=1000)

    refused = await ingest.upload(b"x" * 1001)

    assert refused.status_code == 413
    assert await ingest.is_empty()


async def test_other_replica_heeds_a_change_soon(
    ingest: RunningIngest, ingest_settings: IngestSettings
) -> None:
    limits = ingest_settings.limits.model_copy(update={"cached_s": 0.0})
    async with running(ingest_settings.model_copy(update={"limits": limits})) as other:
        assert (await other.upload()).status_code == 202

        await set_limits(ingest, max_documents=1)

        assert (await other.upload()).json()["code"] == "DOCUMENT_QUOTA_EXCEEDED"


async def test_changes_are_recorded_with_who_and_what(ingest: RunningIngest) -> None:
    operator = ingest.as_owner("olga", roles=("operator",))
    await set_limits(ingest, max_documents=5)
    await set_limits(ingest, max_documents=5)
    await set_limits(ingest, tier="small")
    await ingest.client.delete(LIMITS, headers=operator)

    answer = await ingest.client.get(f"{LIMITS}/changes", headers=operator, params={"limit": 2})

    body = answer.json()
    assert [item["actor"] for item in body["items"]] == ["olga", "olga"]
    assert body["items"][0]["after"] is None
    assert body["items"][1]["after"]["tier"] == "small"
    rest = await ingest.client.get(
        f"{LIMITS}/changes", headers=operator, params={"cursor": body["next_cursor"]}
    )
    assert [item["before"] for item in rest.json()["items"]] == [None]
    assert (await ingest.client.get(LIMITS, headers=operator)).json()["max_file_bytes"] == 24 * MIB


async def test_owner_with_a_slash_in_the_name_has_limits_too(ingest: RunningIngest) -> None:
    await set_limits(ingest, owner="https:%2F%2Fid.example%2Fann", max_documents=7)

    answer = await ingest.client.get(QUOTA, headers=ingest.as_owner("https://id.example/ann"))

    assert answer.json()["documents"]["limit"] == 7


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"tier": "gigantic"}, "FIELD_INVALID"),
        ({"max_documents": -1}, "VALIDATION_FAILED"),
        ({"max_file_bytes": 0}, "VALIDATION_FAILED"),
        ({"colour": "red"}, "VALIDATION_FAILED"),
    ],
)
async def test_bad_limits_change_nothing(
    ingest: RunningIngest, body: dict[str, Any], code: str
) -> None:
    answer = await ingest.client.put(
        LIMITS, json=body, headers=ingest.as_owner("olga", roles=("operator",))
    )

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await ingest.rows("select * from limit_changes") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", LIMITS), ("PUT", LIMITS), ("DELETE", LIMITS), ("GET", f"{LIMITS}/changes")],
)
async def test_users_do_not_see_or_set_limits(
    ingest: RunningIngest, method: str, path: str
) -> None:
    answer = await ingest.client.request(method, path, json={} if method == "PUT" else None)

    assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_REQUIRED")


async def test_uploads_under_way_are_counted_and_given_back(ingest: RunningIngest) -> None:
    await set_limits(ingest, max_uploads_in_flight=2)

    answers = await asyncio.gather(*(ingest.upload(b"x" * MIB) for _ in range(12)))

    refused = [answer for answer in answers if answer.status_code != 202]
    assert {answer.json()["code"] for answer in refused} <= {"TOO_MANY_UPLOADS"}
    assert all(answer.status_code == 429 and answer.headers["Retry-After"] for answer in refused)
    assert (await quota(ingest))["uploads_in_flight"] == {"used": 0, "limit": 2, "remaining": 2}
    assert (await ingest.upload()).status_code == 202
    assert (await ingest.upload(name="a.exe")).status_code == 415
    assert (await quota(ingest))["uploads_in_flight"]["used"] == 0


async def test_upload_of_a_process_that_died_is_counted_for_a_minute_only(
    ingest: RunningIngest,
) -> None:
    await set_limits(ingest, max_uploads_in_flight=1)
    await ingest.rows(
        "with lost as (insert into open_uploads values (gen_random_uuid(), 'ann', 0,"
        " now() - interval '1 second')) select 1"
    )

    assert (await ingest.upload()).status_code == 202


async def test_usage_is_right_after_many_uploads_and_deletes_at_once(
    ingest: RunningIngest,
) -> None:
    answers = await asyncio.gather(*(ingest.upload(b"x" * 10) for _ in range(20)))
    ids = [answer.json()["document_id"] for answer in answers]

    await asyncio.gather(
        *(ingest.client.delete(f"/api/v1/documents/{i}") for i in ids[:10]),
        *(ingest.upload(b"x" * 10) for _ in range(10)),
    )

    used = await quota(ingest)
    assert used["documents"]["used"] == 20
    assert used["stored_bytes"]["used"] == 200


async def test_open_upload_keeps_its_room_until_it_is_closed(database: Database) -> None:
    settings = LimitSettings(max_stored_bytes=1000, max_uploads_in_flight=2)
    source = LimitSource(database=database, settings=settings)
    admission = Admission(source=source, database=database, clock=SystemClock())
    upload_id, soon = uuid7(), datetime.now(UTC) + timedelta(hours=1)

    async with database.transaction() as tx:
        for _ in range(2):  # the second call of the same upload changes nothing
            await admission.open_upload(tx, upload_id, owner="ann", size_bytes=900, expires_at=soon)
    with pytest.raises(StorageQuotaExceededError):
        await admission.check("ann", size_bytes=101)
    async with database.transaction() as tx:
        await admission.open_upload(tx, uuid7(), owner="ann", size_bytes=1, expires_at=soon)
    with pytest.raises(TooManyUploadsError):
        async with database.transaction() as tx:
            await admission.open_upload(tx, uuid7(), owner="ann", size_bytes=1, expires_at=soon)
    with pytest.raises(FileTooLargeError):
        async with database.transaction() as tx:
            await admission.open_upload(
                tx, uuid7(), owner="ann", size_bytes=settings.max_file_bytes + 1, expires_at=soon
            )

    async with database.transaction() as tx:
        await admission.close_upload(tx, upload_id)
    await admission.check("ann", size_bytes=999)
