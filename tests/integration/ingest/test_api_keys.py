"""API keys through the front door: made once, used by machines, revoked at once."""

from typing import Any

import httpx
import pytest
from tests.integration.ingest.serving import RunningIngest

pytestmark = pytest.mark.integration

KEYS = "/api/v1/api-keys"


async def made(ingest: RunningIngest, **wanted: Any) -> dict[str, Any]:
    answer = await ingest.client.post(
        KEYS,
        json={"name": "scanner", "subject": "office", **wanted},
        headers=ingest.as_owner("ada", roles=("admin",)),
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


async def documents(ingest: RunningIngest, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=ingest.client.base_url) as machine:
        return await machine.get("/api/v1/documents", headers=headers)


async def test_machine_uploads_by_its_key_until_it_is_revoked(ingest: RunningIngest) -> None:
    admin = ingest.as_owner("ada", roles=("admin",))
    key = await made(ingest)
    by_key, as_bearer = {"X-API-Key": key["key"]}, {"Authorization": f"Bearer {key['key']}"}
    await ingest.upload(headers=as_bearer)

    for headers in (by_key, as_bearer):
        answer = await documents(ingest, headers)
        assert len(answer.json()["items"]) == 1

    gone = await ingest.client.delete(f"{KEYS}/{key['key_id']}", headers=admin)
    again = await ingest.client.delete(f"{KEYS}/{key['key_id']}", headers=admin)
    assert (gone.status_code, again.status_code) == (204, 204)
    for headers in (by_key, as_bearer):
        answer = await documents(ingest, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")


async def test_secret_is_shown_once_and_kept_as_a_hash(ingest: RunningIngest) -> None:
    key = await made(ingest)
    secret = key["key"].rpartition("_")[2]

    listed = await ingest.client.get(KEYS, headers=ingest.as_owner("ada", roles=("admin",)))

    assert [item["name"] for item in listed.json()["items"]] == ["scanner"]
    assert secret not in listed.text
    assert secret not in str(await ingest.rows("select * from access.api_keys"))


async def test_keys_are_the_admins_business(ingest: RunningIngest) -> None:
    key = await made(ingest, roles=["operator"])
    path = f"{KEYS}/{key['key_id']}"

    for method, target in (("GET", KEYS), ("POST", KEYS), ("DELETE", path)):
        body = {"name": "x", "subject": "y"} if method == "POST" else None
        answer = await ingest.client.request(
            method, target, json=body, headers={"Authorization": f"Bearer {key['key']}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_REQUIRED")


@pytest.mark.parametrize(
    "wanted", [{"roles": ["king"]}, {"name": ""}, {"expires_in_s": 0}, {"colour": "red"}]
)
async def test_bad_request_makes_no_key(ingest: RunningIngest, wanted: dict[str, Any]) -> None:
    answer = await ingest.client.post(
        KEYS,
        json={"name": "scanner", "subject": "office", **wanted},
        headers=ingest.as_owner("ada", roles=("admin",)),
    )

    assert answer.status_code == 422
    assert await ingest.rows("select 1 from access.api_keys") == []


async def test_unknown_key_can_not_be_revoked(ingest: RunningIngest) -> None:
    answer = await ingest.client.delete(
        f"{KEYS}/019a0000-0000-7000-8000-000000000000",
        headers=ingest.as_owner("ada", roles=("admin",)),
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "API_KEY_NOT_FOUND")
