"""Tokens, questions and frames that are wrong are refused with their code and a sentence."""

import json
from typing import Any
from uuid import uuid4

import pytest
from tests.e2e.conftest import Person, Stack
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.e2e
NOBODYS = "9b1c6f2e-4d0a-4d7e-8f33-52a1c0de7a11"
"""An id that no document has; fixed, since it is part of tests' names."""

UPLOAD = "/api/v1/documents/upload/simple"
TEXT = ("a.txt", b"some words", "text/plain")


@pytest.mark.parametrize("path", ["/api/v1/documents", "/api/v1/search?q=x"])
async def test_a_token_that_is_none(person: Person, stack: Stack, path: str) -> None:
    expired = stack.token(person.name, ttl_s=-3600)
    foreign = person.token[:-4] + "aaaa"
    unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."
    codes = {}
    for token in ("", expired, foreign, unsigned, "words"):
        headers = {"Authorization": f"Bearer {token}"} if token else {"Authorization": ""}
        async with person.http() as http:
            answer = await http.get(path, headers=headers)
        assert answer.status_code == 401
        codes[token] = answer.json()["code"]

    assert codes.pop("") == "TOKEN_MISSING"
    assert codes.pop(expired) == "TOKEN_EXPIRED"
    assert set(codes.values()) == {"TOKEN_INVALID"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/v1/documents/{NOBODYS}", 404),
        ("DELETE", f"/api/v1/documents/{NOBODYS}", 404),
        ("GET", "/api/v1/documents/words", 422),
        ("GET", "/api/v1/documents?limit=0", 422),
        ("GET", "/api/v1/documents?colour=red", 422),
        ("GET", "/api/v1/documents?state=happy", 422),
        ("GET", "/api/v1/documents?cursor=words", 422),
        ("GET", "/api/v1/search", 422),
        ("GET", "/api/v1/search?q=%00", 422),
        ("GET", "/api/v1/search?q=x&mode=magic", 422),
        ("PATCH", "/api/v1/documents", 405),
        ("GET", "/api/v1/nothing", 404),
    ],
)
async def test_a_question_that_is_wrong(
    person: Person, method: str, path: str, status: int
) -> None:
    async with person.http() as http:
        answer = await http.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


async def test_a_key_that_was_used_for_another_body(person: Person) -> None:
    async with person.http() as http:
        http.headers["Idempotency-Key"] = str(uuid4())
        first = await http.post(UPLOAD, files={"file": TEXT})
        same = await http.post(UPLOAD, files={"file": TEXT})
        other = await http.post(UPLOAD, files={"file": ("a.txt", b"other words", "text/plain")})

    assert first.status_code == same.status_code == 202
    assert same.json()["document_id"] == first.json()["document_id"]
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


FRAMES: list[tuple[str | bytes, str]] = [
    ("words", "MALFORMED_JSON"),
    (b"\xff\x00", "MALFORMED_JSON"),
    ("[]", "INVALID_MESSAGE"),
    ('{"type": "dance"}', "UNKNOWN_TYPE"),
    ('{"type": "subscribe", "job_ids": "words"}', "INVALID_MESSAGE"),
    ('{"type": "subscribe", "job_ids": [1]}', "INVALID_MESSAGE"),
    ('{"type": "ping", "colour": "red"}', "INVALID_MESSAGE"),
    (json.dumps({"type": "get_job_status", "job_id": NOBODYS}), "NOT_FOUND"),
]


@pytest.mark.parametrize(("frame", "code"), FRAMES)
async def test_a_frame_that_is_wrong_is_answered(
    person: Person, frame: str | bytes, code: str
) -> None:
    async with connect(f"{person.endpoints.websocket}/api/v1/ws/progress", proxy=None) as socket:
        await socket.send(json.dumps({"type": "connect", "token": person.token}))
        await socket.recv()
        await socket.send(frame)
        answer: dict[str, Any] = json.loads(await socket.recv())
        await socket.send('{"type": "ping"}')
        alive = json.loads(await socket.recv())

    assert (answer["type"], answer["code"]) == ("error", code)
    assert alive["type"] == "pong"


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "connect", "token": "words"}', 4401),
        ('{"type": "ping"}', 4401),
        ("words", 4400),
        ("x" * 70_000, 1009),
    ],
    ids=["bad token", "no token", "no JSON", "too large"],
)
async def test_a_first_frame_that_is_wrong_ends_it(person: Person, first: str, code: int) -> None:
    url = f"{person.endpoints.websocket}/api/v1/ws/progress"
    async with connect(url, proxy=None) as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()

    assert caught.value.rcvd
    assert caught.value.rcvd.code == code
