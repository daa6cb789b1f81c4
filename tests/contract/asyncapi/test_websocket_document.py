"""What the WebSocket says is what its AsyncAPI document promises."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from tests.contract.events.examples import EXAMPLES

from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, advance
from notifier import asyncapi, messages
from notifier.answers import JobProgress, Pong, Refusal, SnapshotItem
from notifier.updates import Update, update_of

SCHEMA = Path(__file__).parent / "asyncapi-3.0.0.schema.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi.document("0.0.0")


def updates() -> list[Update]:
    """What subscribers are told of a document that meets one fact of every kind."""
    view: DocumentView | None = None
    told = []
    facts = [event for event in EXAMPLES if isinstance(event, DocumentEvent)]
    for seq, fact in enumerate(facts, start=1):
        view = advance(view, fact.model_copy(update={"seq": seq}))
        told.append(update_of(view))
    return told


def test_document_is_valid_asyncapi(document: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))

    jsonschema.Draft7Validator(schema).validate(document)


def test_progress_is_told_as_described() -> None:
    for update in updates():
        message = JobProgress.model_validate_json(update.text)

        assert message.seq == update.seq


def test_snapshot_items_are_as_described() -> None:
    for update in updates():
        assert SnapshotItem.model_validate(update.entry).job_id == update.document_id


def test_refusals_and_pongs_are_as_described() -> None:
    refusal = messages.error("NOT_FOUND", "There is none.", 7, job_id=str(UUID(int=1)))

    assert Refusal.model_validate_json(refusal).id == 7
    assert Pong.model_validate_json(messages.write("pong")).id is None


@pytest.mark.parametrize(
    "message",
    [
        {"type": "connect", "token": "x"},
        {"type": "subscribe", "job_ids": [str(UUID(int=1))], "since": 4, "id": "a"},
        {"type": "subscribe", "channels": ["user"]},
        {"type": "unsubscribe", "job_ids": [str(UUID(int=1))]},
        {"type": "get_job_status", "job_id": str(UUID(int=1))},
        {"type": "cancel_job", "job_id": str(UUID(int=1)), "id": 3},
        {"type": "ping"},
    ],
    ids=lambda message: message["type"],
)
def test_described_message_is_understood(message: dict[str, Any], document: dict[str, Any]) -> None:
    described = {m["name"]: m["payload"] for m in document["components"]["messages"].values()}
    schema = described[message["type"]] | {"components": document["components"]}

    jsonschema.Draft202012Validator(schema).validate(message)
    assert messages.parse(json.dumps(message)).type == message["type"]
