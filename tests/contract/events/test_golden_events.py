"""Payloads that have been on the wire decode for ever, and today's are written as agreed.

`golden/` has one file for each event type as it is written today. When a payload changes, the old
file stays under a name with a suffix (`<type>.before-<change>.json`), so that it is read for ever.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.events.examples import DOCUMENT_ID, EXAMPLES

from docyard_common.events import codec
from docyard_common.events.envelope import Event

GOLDEN = Path(__file__).parent / "golden"


def written(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def headers(content: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return [(name, text.encode()) for name, text in content["headers"].items()]


def payload(content: dict[str, Any]) -> bytes:
    return json.dumps(content["value"]).encode()


def test_every_known_type_has_an_example_and_a_golden_file() -> None:
    assert {event.type for event in EXAMPLES} == set(codec.REGISTRY)
    assert set(codec.REGISTRY) <= {path.stem for path in GOLDEN.glob("*.json")}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_payload_that_was_once_written_decodes(path: Path) -> None:
    content = written(path)

    event = codec.decode(payload(content), headers(content))

    assert event.type == content["headers"]["ce_type"]
    assert event.key == content["key"]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_event_is_written_as_its_golden_file_says(event: Event) -> None:
    content = written(GOLDEN / f"{event.type}.json")

    record = codec.encode(event, topic="any", source="tests", event_id=DOCUMENT_ID)

    attributes = {name: (raw or b"").decode() for name, raw in record.headers}
    assert json.loads(record.value or b"") == content["value"]
    assert (record.key or b"").decode() == content["key"]
    assert attributes | {"ce_time": content["headers"]["ce_time"]} == content["headers"]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_event_survives_the_wire(event: Event) -> None:
    record = codec.encode(event, topic="any", source="tests")

    assert codec.decode(record.value, record.headers) == event


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event.type)
def test_field_of_a_newer_writer_is_ignored(event: Event) -> None:
    content = written(GOLDEN / f"{event.type}.json")
    newer = content | {"value": content["value"] | {"not_yet_known": [1, 2]}}

    assert codec.decode(payload(newer), headers(newer)) == event
