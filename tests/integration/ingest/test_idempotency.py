"""Idempotency keys: one key, one document, whatever is sent again and when."""

import asyncio

import pytest
from tests.integration.ingest.serving import RunningIngest

pytestmark = pytest.mark.integration
KEY = {"Idempotency-Key": "order-4711"}


async def test_the_same_body_gets_the_first_answer_again(ingest: RunningIngest) -> None:
    first = await ingest.upload(headers=KEY, metadata='{"a": 1, "b": 2}')
    second = await ingest.upload(headers=KEY, metadata='{"b": 2, "a": 1}')

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(await ingest.keys()) == 1
    assert len(await ingest.outbox()) == 2


async def test_another_body_is_refused_and_leaves_nothing(ingest: RunningIngest) -> None:
    await ingest.upload(b"one", headers=KEY)

    for name, data, priority in [
        ("a.txt", b"two", "normal"),
        ("b.txt", b"one", "normal"),
        ("a.txt", b"one", "high"),
    ]:
        answer = await ingest.upload(data, name=name, headers=KEY, priority=priority)
        assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")

    assert len(await ingest.keys()) == 1


async def test_keys_belong_to_their_owner(ingest: RunningIngest) -> None:
    mine = await ingest.upload(headers=KEY)
    theirs = await ingest.upload(b"other", headers=KEY | ingest.as_owner("bob"))

    assert theirs.status_code == 202
    assert mine.json()["document_id"] != theirs.json()["document_id"]


async def test_of_twins_at_once_one_wins_and_all_hear_of_it(ingest: RunningIngest) -> None:
    answers = await asyncio.gather(*(ingest.upload(headers=KEY) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    assert len(await ingest.keys()) == 1
    assert len(await ingest.outbox()) == 2


async def test_a_refused_upload_does_not_use_up_its_key(ingest: RunningIngest) -> None:
    refused = await ingest.upload(b"", headers=KEY)
    accepted = await ingest.upload(b"hello", headers=KEY)

    assert (refused.status_code, accepted.status_code) == (422, 202)


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_unusable_key_is_refused(ingest: RunningIngest, key: str) -> None:
    answer = await ingest.upload(headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_INVALID")
