"""What HTTP clients rely on: the committed documents, and the manners every operation shares."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from scripts import snapshots

OPERATIONS = ("get", "put", "post", "patch", "delete")
WITHOUT_TOKEN = ("/health", "/metrics", "/error-handling/health")
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module", params=snapshots.HTTP_SERVICES)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return snapshots.openapi(request.param)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in OPERATIONS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


def with_token(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in operations(document):
        if not name.partition(" ")[2].startswith(WITHOUT_TOKEN):
            yield name, operation


def parameters(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"] for parameter in operation.get("parameters", [])}


def test_committed_documents_are_those_of_the_code() -> None:
    different = [
        path.name
        for path, text in snapshots.snapshots()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]

    assert different == [], "run `make snapshots` when the change is meant"


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    assert [name for name, operation in operations(document) if not operation.get("summary")] == []


def test_no_two_operations_share_an_id(document: dict[str, Any]) -> None:
    ids = Counter(operation["operationId"] for _, operation in operations(document))

    assert [name for name, count in ids.items() if count > 1] == []


def test_every_operation_that_needs_a_token_says_so(document: dict[str, Any]) -> None:
    silent = [
        name
        for name, operation in with_token(document)
        if not operation.get("security") and "token" not in parameters(operation)
    ]

    assert silent == []


def test_every_operation_says_how_it_refuses(document: dict[str, Any]) -> None:
    silent = [
        name
        for name, operation in with_token(document)
        if not {"401", "default"} & set(operation["responses"])
    ]

    assert silent == []


def test_every_refusal_is_a_problem_document(document: dict[str, Any]) -> None:
    others = [
        f"{name} {status}"
        for name, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status[0] in "45d" and list(answer.get("content", {})) != [PROBLEM]
    ]

    assert [name for name in others if not name.startswith("GET /health")] == []
