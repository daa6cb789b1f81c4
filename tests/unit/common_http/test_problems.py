"""Whatever goes wrong, the answer is a problem document with a stable code."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.unit.common_http.conftest import SECRET

from docyard_common.auth import mint
from docyard_common.http import Problem
from docyard_common.http.problems import code_of


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["title"]
    assert document["detail"]
    assert len(document["trace_id"]) == 32
    assert "Traceback" not in answer.text
    return document


def test_a_problem_shows_its_members_and_headers(client: TestClient) -> None:
    answer = client.get("/raise/problem")

    document = problem(answer, 409, "PARTS_MISSING")
    assert document["type"] == "urn:docyard:problem:parts-missing"
    assert document["title"] == "Conflict"
    assert document["retryable"] is False
    assert document["missing"] == [1, 2]
    assert len(document["upload_id"]) == 36
    assert answer.headers["x-extra"] == "1"


def test_a_limit_says_when_to_come_again(client: TestClient) -> None:
    answer = client.get("/raise/limit")

    assert problem(answer, 429, "RATE_LIMITED")["retryable"] is True
    assert answer.headers["retry-after"] == "7"


def test_an_unknown_path_is_not_found(client: TestClient) -> None:
    assert problem(client.get("/nowhere"), 404, "NOT_FOUND")["retryable"] is False


def test_another_method_is_not_allowed_and_the_right_ones_are_named(client: TestClient) -> None:
    answer = client.delete("/orders")

    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"


def test_every_refused_field_is_named(client: TestClient) -> None:
    answer = client.post("/orders", json={"count": 0, "colour": "s3cret"})

    errors = problem(answer, 422, "VALIDATION_FAILED")["errors"]
    assert {(error["field"], error["location"], error["code"]) for error in errors} == {
        ("name", "body", "missing"),
        ("count", "body", "greater_than_equal"),
        ("colour", "body", "extra_forbidden"),
    }
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[1", b"\xff\xfe", b'"text"', b"null"])
def test_a_body_that_is_no_such_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/orders", content=body, headers={"content-type": "application/json"})

    errors = problem(answer, answer.status_code, answer.json()["code"]).get("errors", [])
    assert answer.status_code in {400, 422}
    assert all(error["field"] == "body" for error in errors)


def test_a_wrong_path_parameter_is_named(client: TestClient) -> None:
    (error,) = problem(client.get("/things/abc"), 422, "VALIDATION_FAILED")["errors"]

    assert (error["field"], error["location"]) == ("thing_id", "path")


def test_a_plain_http_error_has_a_code_too(client: TestClient) -> None:
    problem(client.get("/raise/http"), 413, "PAYLOAD_TOO_LARGE")


def test_an_outage_is_retryable_and_tells_no_address(client: TestClient) -> None:
    answer = client.get("/raise/outage")

    assert problem(answer, 503, "DEPENDENCY_UNAVAILABLE")["retryable"] is True
    assert int(answer.headers["retry-after"]) > 0
    assert "10.0.0.1" not in answer.text


def test_a_missing_artifact_tells_no_key(client: TestClient) -> None:
    answer = client.get("/raise/missing")

    problem(answer, 404, "ARTIFACT_NOT_FOUND")
    assert "secret" not in answer.text


def test_a_bug_tells_nothing_but_its_trace(client: TestClient) -> None:
    answer = client.get("/raise/bug")

    problem(answer, 500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "TOKEN_MISSING"),
        ({"Authorization": "Basic abc"}, "TOKEN_MISSING"),
        ({"Authorization": "Bearer nonsense"}, "TOKEN_INVALID"),
        (
            {"Authorization": f"Bearer {mint(SECRET, subject='ann', ttl_s=-60)}"},
            "TOKEN_EXPIRED",
        ),
    ],
)
def test_who_is_not_known_is_told_why(
    client: TestClient, headers: dict[str, str], code: str
) -> None:
    answer = client.get("/me", headers=headers)

    problem(answer, 401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_user_is_known_and_may_not_operate(client: TestClient) -> None:
    headers = {"Authorization": f"Bearer {mint(SECRET, subject='ann')}"}

    assert client.get("/me", headers=headers).json() == "ann"
    problem(client.get("/operators", headers=headers), 403, "ROLE_REQUIRED")


def test_an_operator_may_operate(client: TestClient) -> None:
    token = mint(SECRET, subject="ann", roles=["admin"])

    assert client.get("/operators", headers={"Authorization": f"Bearer {token}"}).json() == "ann"


def test_statuses_that_nobody_registered_are_answered_too() -> None:
    assert Problem(499, "CLIENT_GONE", "Gone.").title == "Bad Request"
    assert Problem(599, "X", "Gone.").title == "Internal Server Error"


@pytest.mark.parametrize(
    ("status", "title", "code"),
    [
        (413, "Content Too Large", "PAYLOAD_TOO_LARGE"),
        (414, "URI Too Long", "URI_TOO_LONG"),
        (416, "Range Not Satisfiable", "RANGE_NOT_SATISFIABLE"),
        (422, "Unprocessable Content", "VALIDATION_FAILED"),
    ],
)
def test_statuses_are_named_the_same_on_every_python(status: int, title: str, code: str) -> None:
    assert Problem(status, code_of(status), "Wrong.").title == title
    assert code_of(status) == code
