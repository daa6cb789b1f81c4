"""Sessions of the WebSocket: who is let in, what a session may do, and how it ends."""

import json

import pytest
from tests.integration.notifier.running import Client, Notifier, client, token

from docyard_common.ids import uuid7

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


_NO_MESSAGES: list[tuple[str | bytes, str]] = [
    ("{", "MALFORMED_JSON"),
    (b"\xff\xfe", "MALFORMED_JSON"),
    ("[1]", "INVALID_MESSAGE"),
    ('{"type": "dance", "id": 3}', "UNKNOWN_TYPE"),
    ('{"no": "type"}', "UNKNOWN_TYPE"),
    ('{"type": "subscribe", "job_ids": ["x"]}', "INVALID_MESSAGE"),
    ('{"type": "subscribe", "since": -1}', "INVALID_MESSAGE"),
    ('{"type": "subscribe", "since": 9223372036854775808}', "INVALID_MESSAGE"),
    ('{"type": "ping", "colour": "red"}', "INVALID_MESSAGE"),
    ('{"type": "refresh", "token": "x"}', "TOKEN_INVALID"),
]


async def test_a_frame_that_is_no_message_is_answered_and_the_session_goes_on(
    notifier: Notifier, owner: str
) -> None:
    async with client(notifier, owner) as ann:
        for frame, code in _NO_MESSAGES:
            await ann.socket.send(frame)

            assert (await ann.hear())["code"] == code
            assert await ann.ask("ping", id=1) == {"type": "pong", "id": 1}


async def test_who_sends_only_rubbish_is_closed(notifier: Notifier, owner: str) -> None:
    async with client(notifier, owner) as ann:
        for _ in range(10):
            await ann.socket.send("rubbish")
        assert await ann.close_code() == 4400


async def test_a_frame_beyond_the_limit_ends_the_connection(notifier: Notifier, owner: str) -> None:
    async with client(notifier, owner) as ann:
        await ann.socket.send(json.dumps({"type": "ping", "id": "x" * 70_000}))
        assert await ann.close_code() == 1009


async def test_too_many_subscriptions_are_refused_and_none_is_made(
    notifier: Notifier, owner: str
) -> None:
    async with client(notifier, owner) as ann:
        answer = await ann.ask("subscribe", job_ids=[str(uuid7()) for _ in range(1_001)])
        assert (answer["code"], answer["limit"]) == ("TOO_MANY_SUBSCRIPTIONS", 1_000)


async def test_who_does_not_say_who_it_is_first_is_closed(notifier: Notifier) -> None:
    firsts = {
        '{"type": "connect", "token": "forged"}': 4401,
        '{"type": "ping"}': 4401,
        "rubbish": 4400,
    }
    for first, code in firsts.items():
        async with notifier.socket() as socket:
            await socket.send(first)
            assert await Client(socket).close_code() == code


async def test_the_token_may_come_by_header_or_by_query_and_is_not_logged(
    notifier: Notifier,
) -> None:
    ann = token("ann")
    async with notifier.socket(additional_headers={"Authorization": f"Bearer {ann}"}) as socket:
        assert (await Client(socket).hear())["type"] == "connected"
    async with notifier.socket(f"?token={ann}") as socket:
        assert (await Client(socket).hear())["type"] == "connected"

    assert ann not in json.dumps(notifier.log)


async def test_a_session_ends_with_its_token_unless_it_is_refreshed(
    notifier: Notifier,
) -> None:
    async with notifier.socket() as short, notifier.socket() as renewed:
        for socket in (short, renewed):
            await Client(socket).ask("connect", token=token("ann", ttl_s=6))
        await Client(renewed).ask("refresh", token=token("ann"))
        foreign = await Client(renewed).ask("refresh", token=token("bob"))

        assert await Client(short).close_code() == 4511
        assert foreign["code"] == "SUBJECT_CHANGED"
        assert (await Client(renewed).ask("ping"))["type"] == "pong"
