"""Where Docyard is: arguments, then the environment, then the stack on this machine."""

import json
from pathlib import Path

import pytest

from docyard import ConfigurationError, Endpoints, Wanted, resolve

STACK = {
    "ingest": "http://127.0.0.1:1",
    "notifier": "http://127.0.0.1:2",
    "dlq_admin": "http://127.0.0.1:3",
    "token": "user",
    "operator_token": "operator",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "client.json").write_text(json.dumps(STACK))
    return tmp_path


def test_the_stack_speaks_for_itself(data: Path) -> None:
    found = resolve(Wanted(data=data), environment={})

    assert found == Endpoints(**STACK)
    assert found.websocket == "ws://127.0.0.1:2"


def test_its_tokens_never_go_to_another_host(data: Path) -> None:
    found = resolve(Wanted(data=data), environment={"DOCYARD_URL": "https://docyard.example/"})

    assert found.ingest == found.notifier == found.dlq_admin == "https://docyard.example"
    assert found.token is None
    assert found.operator_token is None
    assert found.websocket == "wss://docyard.example"


def test_naming_the_stack_keeps_what_it_says(data: Path) -> None:
    found = resolve(Wanted(url="http://127.0.0.1:1/", data=data), environment={})

    assert found.token == "user"
    assert found.notifier == STACK["notifier"]


def test_arguments_go_before_the_environment(data: Path) -> None:
    environment = {
        "DOCYARD_URL": "http://env",
        "DOCYARD_TOKEN": "env",
        "DOCYARD_NOTIFIER_URL": "http://env-notifier",
        "DOCYARD_DLQ_URL": "http://env-dlq",
    }

    found = resolve(Wanted(url="http://flag", token="flag", data=data), environment=environment)

    assert found.ingest == "http://flag"
    assert found.token == found.operator_token == "flag"
    assert found.notifier == "http://env-notifier"
    assert found.dlq_admin == "http://env-dlq"


@pytest.mark.parametrize("url", ["docyard.example", "ftp://docyard.example", "http://"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        resolve(Wanted(url=url, data=tmp_path), environment={})


@pytest.mark.parametrize("token", ["tökén", "two\nlines"])
def test_a_token_that_is_none_is_refused(token: str, data: Path) -> None:
    with pytest.raises(ConfigurationError, match="token"):
        resolve(Wanted(data=data), environment={"DOCYARD_TOKEN": token})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"token": "x"}'])
def test_a_damaged_state_is_said(content: str, tmp_path: Path) -> None:
    (tmp_path / "client.json").write_text(content)

    with pytest.raises(ConfigurationError, match=r"client\.json"):
        resolve(Wanted(data=tmp_path), environment={})
