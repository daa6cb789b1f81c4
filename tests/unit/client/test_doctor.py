"""`docyard doctor`: every ill is named, with what to do; only a failure is an error."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard, problem
from typer.testing import CliRunner

from docyard.cli.app import app

Ask = Callable[[], tuple[int, Mapping[str, Mapping[str, str]]]]


@pytest.fixture
def ask(fake: FakeDocyard, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return the exit code, and the last finding of each check."""
    monkeypatch.setenv("DOCYARD_URL", fake.url)
    monkeypatch.setenv("DOCYARD_TOKEN", TOKEN)

    def ask() -> tuple[int, Mapping[str, Mapping[str, str]]]:
        done = CliRunner().invoke(app, ["doctor", "--json"])
        told = json.loads(done.stdout)
        assert told["healthy"] is (done.exit_code == 0)
        return done.exit_code, {item["check"]: item for item in told["items"]}

    return ask


def _stage(**seen: Any) -> dict[str, Any]:
    return {"stages": [{"stage": "extract", **seen}], "age_s": 1.0}


def test_all_is_well(ask: Ask) -> None:
    code, found = ask()

    assert code == 0
    assert {finding["verdict"] for finding in found.values()} == {"ok"}
    assert {"ingest", "token", "processor", "documents"} <= set(found)


def test_a_critical_dependency_that_is_away_is_a_failure(ask: Ask, fake: FakeDocyard) -> None:
    fake.dependencies = {"database": {"status": "failed", "critical": True, "detail": "no answer"}}

    code, found = ask()

    assert code == 1
    assert found["ingest: database"]["verdict"] == "failed"
    assert "no answer" in found["ingest: database"]["detail"]
    assert "DATABASE__URL" in found["ingest: database"]["advice"]


def test_a_dependency_that_can_be_waited_for_is_a_warning(ask: Ask, fake: FakeDocyard) -> None:
    fake.dependencies = {"kafka": {"status": "failed", "critical": False}}

    code, found = ask()

    assert code == 0
    assert found["ingest: kafka"]["verdict"] == "warning"


def test_a_refused_token_is_a_failure(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCYARD_TOKEN", "another")

    code, found = ask()

    assert code == 1
    assert found["token"]["verdict"] == "failed"
    assert "docyard token" in found["token"]["advice"]


@pytest.mark.parametrize(
    ("queue", "check", "verdict"),
    [
        ({"stages": [], "age_s": None}, "processor", "failed"),
        ({"stages": [], "age_s": 500.0}, "processor", "failed"),
        (_stage(stopped="object_store does not answer"), "extract", "failed"),
        (_stage(waiting=3, oldest_s=4000.0), "extract", "warning"),
        (_stage(dead=2), "extract", "warning"),
    ],
)
def test_work_that_does_not_go_on_is_named(
    ask: Ask, fake: FakeDocyard, queue: dict[str, Any], check: str, verdict: str
) -> None:
    fake.queue = queue

    code, found = ask()

    assert code == (1 if verdict == "failed" else 0)
    assert found[check]["verdict"] == verdict
    assert found[check]["advice"]


def test_documents_left_behind_are_a_warning(ask: Ask, fake: FakeDocyard) -> None:
    fake.silent = 4

    code, found = ask()

    assert code == 0
    assert found["documents"]["verdict"] == "warning"
    assert "docyard reconcile" in found["documents"]["advice"]


def test_a_foreign_server_is_told_from_docyard(ask: Ask, fake: FakeDocyard) -> None:
    fake.answers.extend([problem(200, "HELLO", "another program")] * 3)

    code, found = ask()

    assert code == 1
    assert "not how Docyard answers" in found["ingest"]["detail"]


def test_nobody_at_the_address_is_a_failure(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCYARD_URL", "http://127.0.0.1:9")

    code, found = ask()

    assert code == 1
    assert {finding["verdict"] for finding in found.values()} == {"failed"}
