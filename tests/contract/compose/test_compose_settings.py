"""The names in docker-compose.yml are the names that the services read: a typo fails here."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from docyard_common.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ("ingest", "processor", "notifier", "dlq-admin")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return loaded


def settings_class(service: str) -> type[ServiceSettings]:
    module = import_module(f"{service.replace('-', '_')}.settings")
    return next(
        kind for kind in ServiceSettings.__subclasses__() if kind.__module__ == module.__name__
    )


def without_variables(value: str) -> str:
    with_defaults = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "x" * 32, with_defaults)


@pytest.mark.parametrize("service", SERVICES)
def test_service_reads_every_name_it_is_given(
    service: str, compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = compose["services"][service]["environment"]
    for name, value in given.items():
        monkeypatch.setenv(name, without_variables(value))

    settings = settings_class(service)()

    groups = {name.partition("__")[0].lower() for name in given}
    assert groups <= set(type(settings).model_fields)
    assert settings.kafka.servers == ["kafka:9092"]
    assert settings.object_store.endpoint == "object-store:8333"


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_a_target_of_the_dockerfile(service: str, compose: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert f"FROM runtime AS {service}\n" in dockerfile
    assert compose["services"][service]["build"]["target"] == service


def test_every_variable_is_in_the_example_file(compose: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{(\w+):\?", str(compose)))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
