"""Server-Sent Events: the same progress, for those whose way lets no WebSocket pass."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.integration.notifier.life import Life
from tests.integration.notifier.running import PATIENCE_S, Notifier, Publisher, token
from tests.waiting import eventually

from docyard_common.events.stages import Stage

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_stream_of_one_document_ends_with_it(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted())
    async with _stream(notifier, owner, _path(life)) as events:
        assert (await anext(events))["data"]["state"] == "accepted"
        await publisher.publish(life.started(Stage.VALIDATE), life.completed())
        rest = [event async for event in events]

    assert [event["data"]["state"] for event in rest] == ["validating", "completed"]


async def test_last_event_id_brings_back_what_was_missed(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted(), *life.stage(Stage.VALIDATE), life.completed())
    await _until_state(notifier, life, "completed")

    async with _stream(notifier, owner, _path(life), last_event_id=0) as events:
        states = [event["data"]["state"] async for event in events]

    assert states == ["validating", "validating", "completed"]


async def test_whoever_has_seen_the_end_is_told_that_there_is_no_more(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted(), life.completed())
    await _until_state(notifier, life, "completed")

    answer = await _get(notifier, owner, _path(life), last_event_id=life.completed().seq)

    assert answer.status_code == 204


async def test_many_documents_share_a_stream_and_the_token_may_be_in_the_address(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    one, other = Life(owner), Life(owner)
    ids = f"{one.document_id},{other.document_id}"
    path = f"/api/v1/sse/progress?job_ids={ids}&token={token(owner)}"
    publishing = asyncio.create_task(publisher.publish(one.accepted(), other.accepted()))
    async with _stream(notifier, None, path) as events:
        heard = {(await anext(events))["job_id"], (await anext(events))["job_id"]}
    await publishing

    assert heard == {str(one.document_id), str(other.document_id)}


async def test_a_position_that_no_document_can_have_is_refused(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted(), life.completed())
    await _until_state(notifier, life, "completed")

    answers = [await _get(notifier, owner, _path(life), last_event_id=n) for n in (2**53, 2**63)]

    codes = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert codes == [(422, "VALIDATION_FAILED")] * 2


async def test_refusals_are_problems(notifier: Notifier, publisher: Publisher, owner: str) -> None:
    theirs = Life(f"not-{owner}", document_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
    await publisher.publish(theirs.accepted())
    await _until_state(notifier, theirs, "accepted")

    foreign = await _get(notifier, owner, _path(theirs))
    nobody = await _get(notifier, None, _path(theirs))
    garbled = await _get(notifier, owner, "/api/v1/sse/progress?job_ids=x")

    assert (foreign.status_code, foreign.json()["code"]) == (404, "DOCUMENT_NOT_FOUND")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "TOKEN_MISSING")
    assert (garbled.status_code, garbled.json()["errors"][0]["field"]) == (422, "job_ids")


async def test_stats_are_for_operators(notifier: Notifier, owner: str) -> None:
    async with httpx.AsyncClient(base_url=notifier.url) as http:
        refused = await http.get("/api/v1/ws/stats", headers=_bearer(token(owner)))
        answer = await http.get("/api/v1/ws/stats", headers=_bearer(token(owner, role="operator")))

    assert refused.json()["code"] == "ROLE_REQUIRED"
    assert answer.json()["sse_streams"] == 0


def _path(life: Life) -> str:
    return f"/api/v1/documents/{life.document_id}/events/stream"


def _bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def _get(
    notifier: Notifier, owner: str | None, path: str, *, last_event_id: int | None = None
) -> httpx.Response:
    headers = _bearer(token(owner)) if owner else {}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    async with httpx.AsyncClient(base_url=notifier.url, timeout=PATIENCE_S) as http:
        return await http.get(path, headers=headers)


@asynccontextmanager
async def _stream(
    notifier: Notifier, owner: str | None, path: str, *, last_event_id: int | None = None
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with _answer(notifier, owner, path, last_event_id=last_event_id) as response:
        yield _events_of(response)


@asynccontextmanager
async def _answer(
    notifier: Notifier, owner: str | None, path: str, *, last_event_id: int | None = None
) -> AsyncIterator[httpx.Response]:
    headers = _bearer(token(owner)) if owner else {}
    if last_event_id is not None:
        headers["Last-Event-ID"] = str(last_event_id)
    async with (
        httpx.AsyncClient(base_url=notifier.url, timeout=PATIENCE_S) as http,
        http.stream("GET", path, headers=headers) as response,
    ):
        yield response


def _events_of(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    assert response.headers["content-type"].startswith("text/event-stream"), response
    return _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    last_id = ""
    async for line in response.aiter_lines():
        if line.startswith("id: "):
            last_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            assert last_id == str(event["seq"])
            yield event


async def _until_state(notifier: Notifier, life: Life, state: str) -> None:
    async def is_there() -> bool:
        async with _answer(notifier, life.owner, _path(life)) as response:
            if response.status_code == httpx.codes.NOT_FOUND:
                return False
            return bool((await anext(_events_of(response)))["data"]["state"] == state)

    await eventually(is_there)
