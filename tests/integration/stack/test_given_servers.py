"""Servers that the environment names are used instead of starting our own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from docyard_common.settings import DatabaseSettings, KafkaSettings, ObjectStoreSettings
from docyard_stack import stopping
from docyard_stack.folder import StackFolder

pytestmark = pytest.mark.integration


def docyard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "docyard", *arguments), capture_output=True, text=True, check=False
    )


@pytest.fixture
def given(
    kafka_settings: KafkaSettings,
    database_settings: DatabaseSettings,
    object_store_settings: ObjectStoreSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Name the session's servers in the environment; return the broker's address."""
    variables = {
        "KAFKA__BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "KAFKA__TOPIC_PREFIX": kafka_settings.topic_prefix,
        "DATABASE__URL": database_settings.url.get_secret_value(),
        "OBJECT_STORE__ENDPOINT": object_store_settings.endpoint,
        "OBJECT_STORE__ACCESS_KEY": object_store_settings.access_key,
        "OBJECT_STORE__SECRET_KEY": object_store_settings.secret_key.get_secret_value(),
        "OBJECT_STORE__BUCKET": object_store_settings.bucket,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return kafka_settings.bootstrap_servers


def test_given_servers_are_used_and_left_alone(given: str, stack_data: Path) -> None:
    started = docyard("up", "--detach", "--json", "--data", stack_data)
    status = docyard("status", "--json", "--data", stack_data)
    stopping.stop(StackFolder(stack_data))

    assert started.returncode == 0, started.stderr
    assert json.loads(started.stdout)["kafka"] == given
    states = {part["name"]: part["state"] for part in json.loads(status.stdout)["parts"]}
    assert {name for name, state in states.items() if state == "external"} == {
        *("postgres", "object-store", "kafka")
    }
    assert states["ingest"] == "ready"
    assert not (stack_data / "kafka").exists()
