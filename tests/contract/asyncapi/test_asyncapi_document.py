import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docyard_common import asyncapi
from docyard_common.events import topics
from docyard_common.events.codec import REGISTRY

SCHEMA = Path(__file__).parent / "asyncapi-3.0.0.schema.json"
"""The schema of the AsyncAPI Initiative (npm `@asyncapi/specs` 6.11.1, Apache-2.0), unchanged."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi.document("0.0.0")


def test_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    jsonschema.Draft7Validator(schema).validate(document)


def test_every_declared_topic_is_described_once(document: dict[str, Any]) -> None:
    addresses = [channel["address"] for channel in document["channels"].values()]
    patterns = [re.sub(r"\\{\w+\\}", "[a-z]+", re.escape(address)) for address in addresses]

    for topic in topics.declared():
        assert [bool(re.fullmatch(pattern, topic.name)) for pattern in patterns].count(True) == 1


def test_every_event_type_is_on_some_channel() -> None:
    described = {kind for channel in asyncapi.CHANNELS.values() for kind in channel.messages}

    assert described == set(REGISTRY.values())


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)

    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        found: Any = document
        for part in reference.split("/"):
            found = found[part]
        assert found
