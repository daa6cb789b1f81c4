"""Callers that come too often: what they are told, and what is not counted."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.integration.ingest.serving import RunningIngest, running

from docyard_common.settings import HttpSettings
from ingest.settings import IngestSettings, LimitSettings, RateSettings

pytestmark = pytest.mark.integration

ORIGIN = "https://app.example"


@pytest.fixture
async def ingest(ingest_settings: IngestSettings) -> AsyncIterator[RunningIngest]:
    """Slow enough that nothing grows back while a test runs."""
    limits = LimitSettings(
        requests_per_minute=1,
        request_burst=5,
        uploads_per_minute=2,
        operators=RateSettings(requests_per_minute=1, request_burst=8),
    )
    settings = ingest_settings.model_copy(
        update={"limits": limits, "http": HttpSettings(cors_origins=(ORIGIN,))}
    )
    async with running(settings) as service:
        yield service


async def listed(ingest: RunningIngest, owner: str = "ann", **headers: str) -> httpx.Response:
    return await ingest.client.get(
        "/api/v1/documents", headers={**ingest.as_owner(owner), **headers}
    )


async def test_every_answer_tells_what_is_left(ingest: RunningIngest) -> None:
    answer = await ingest.upload()

    assert answer.status_code == 202
    assert answer.headers["RateLimit-Policy"] == (
        '"uploads";q=2;w=60;burst=2, "requests";q=1;w=60;burst=5'
    )
    assert answer.headers["RateLimit"] == '"uploads";r=1;t=30, "requests";r=4;t=60'


async def test_request_too_many_is_told_when_to_come_back(ingest: RunningIngest) -> None:
    for _ in range(5):
        assert (await listed(ingest)).status_code == 200

    refused = await listed(ingest, Origin=ORIGIN)

    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (429, "RATE_LIMITED")
    assert problem["retryable"] is True
    assert problem["violated_policies"] == ["requests"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert '"requests";r=0;' in refused.headers["RateLimit"]
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert (await listed(ingest, owner="bob")).status_code == 200


async def test_uploads_have_a_rate_of_their_own(ingest: RunningIngest) -> None:
    assert [(await ingest.upload()).status_code for _ in range(2)] == [202, 202]

    refused = await ingest.upload()

    assert (refused.status_code, refused.json()["violated_policies"]) == (429, ["uploads"])
    assert len(await ingest.rows("select 1 from documents")) == 2
    assert (await listed(ingest)).status_code == 200


async def test_health_and_metrics_are_not_counted(ingest: RunningIngest) -> None:
    for path in ("/health/live", "/health", "/metrics") * 3:
        answer = await ingest.client.get(path)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


async def test_bad_token_spends_nothing_of_anybody(ingest: RunningIngest) -> None:
    for _ in range(8):
        answer = await ingest.client.get("/api/v1/documents", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 401

    assert (await listed(ingest)).status_code == 200


async def test_operators_have_their_own_rate(ingest: RunningIngest) -> None:
    olga = ingest.as_owner("olga", roles=("operator",))

    answers = [await ingest.client.get("/api/v1/documents", headers=olga) for _ in range(9)]

    assert [answer.status_code for answer in answers] == [200] * 8 + [429]


async def test_rate_of_one_owner_is_raised_without_a_restart(ingest: RunningIngest) -> None:
    for _ in range(6):
        last = await listed(ingest)
    assert last.status_code == 429

    changed = await ingest.client.put(
        "/api/v1/owners/ann/limits",
        json={"requests_per_minute": 0},
        headers=ingest.as_owner("olga", roles=("operator",)),
    )

    assert changed.status_code == 200
    answers = [await listed(ingest) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
