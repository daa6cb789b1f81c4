"""The AsyncAPI 3 document of the topics, made from the models and the list that creates them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from docyard_common.delivery import headers
from docyard_common.events import documents, observation, topics, work
from docyard_common.events.codec import REGISTRY
from docyard_common.events.envelope import Event
from docyard_common.events.stages import Priority, Stage

_DEAD_LETTER: Final = "DeadLetter"
_SCHEMAS: Final = "#/components/schemas/"
_MESSAGES: Final = "#/components/messages/"


@dataclass(frozen=True)
class Channel:
    """One topic, or a family of topics whose names differ by parameters."""

    address: str  # without prefix; parameters in braces
    description: str
    messages: tuple[type[Event], ...] = ()
    carries_dead_letters: bool = False


CHANNELS: Final[Mapping[str, Channel]] = {
    "documentEvents": Channel(
        topics.EVENTS,
        "Every fact about a document; facts of one document are in order.",
        (
            documents.DocumentAccepted,
            documents.ReprocessingAccepted,
            documents.ChildrenAccepted,
            documents.StageStarted,
            documents.StageFinished,
            documents.StageRetrying,
            documents.DocumentCompleted,
            documents.DocumentFailed,
            documents.DocumentCancelled,
            documents.DocumentDeleted,
        ),
    ),
    "documentProgress": Channel(
        topics.PROGRESS,
        "Ticks of running stages: may be lost, decide nothing.",
        (documents.DocumentProgressed,),
    ),
    "documentChildren": Channel(
        topics.CHILDREN,
        "Containers whose files are to become documents; ingest reads it.",
        (work.ChildrenFound,),
    ),
    "work": Channel(
        "work.{stage}.{priority}",
        "Do this stage of this document now; one topic for each stage and lane.",
        (work.StageRequested,),
    ),
    "deadLetters": Channel(
        "dlq.{stage}",
        "What a stage could not process: the record as it came, and why.",
        carries_dead_letters=True,
    ),
    "commands": Channel(
        topics.COMMANDS,
        "What people and operators ask of running work.",
        (
            work.CancelRequested,
            work.ReprocessRequested,
            work.RemovalRequested,
            work.StageResumeRequested,
            work.StageSlotsRequested,
            work.BreakerResetRequested,
        ),
    ),
    "observations": Channel(
        topics.OBSERVATIONS,
        "The processor's queue and figures, every few seconds: may be lost, decide nothing.",
        (observation.ProcessingObserved,),
    ),
    "notifications": Channel(topics.NOTIFICATIONS, "Messages to people, keyed by the person."),
    "storageEvents": Channel(
        topics.STORAGE_EVENTS, "Bucket notifications in the record format of S3."
    ),
}
"""Every topic of `topics.declared()` is exactly one of these."""

_PARAMETERS: Final[Mapping[str, tuple[str, Iterable[str]]]] = {
    "stage": ("The stage of the work.", [stage.value for stage in Stage]),
    "priority": ("The lane of the document.", [lane.value for lane in Priority]),
}


def document(version: str) -> dict[str, Any]:
    """Return the AsyncAPI document of all topics, as of *version* of Docyard."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Docyard topics",
            "version": version,
            "description": (
                "CloudEvents 1.0 in Kafka binary mode, keyed by document. Every address has the "
                "topic prefix of the deployment (`KAFKA__TOPIC_PREFIX`) and a dot before it."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, channel) for name, channel in CHANNELS.items()},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(name: str, channel: Channel) -> dict[str, Any]:
    kinds = [kind.__name__ for kind in channel.messages]
    kinds += [_DEAD_LETTER] if channel.carries_dead_letters else []
    described: dict[str, Any] = {
        "address": channel.address,
        "title": name,
        "description": channel.description,
        "messages": {kind: {"$ref": _MESSAGES + kind} for kind in kinds},
    }
    parameters = {
        parameter: {"description": description, "enum": list(values)}
        for parameter, (description, values) in _PARAMETERS.items()
        if f"{{{parameter}}}" in channel.address
    }
    return described | ({"parameters": parameters} if parameters else {})


def _messages() -> dict[str, Any]:
    described = {kind.__name__: _message(kind) for kind in REGISTRY.values()}
    described[_DEAD_LETTER] = {
        "name": _DEAD_LETTER,
        "summary": "The original key, value and headers byte for byte, with these headers added.",
        "headers": _object(_strings(sorted(headers.BURIAL))),
        "payload": {"description": "Any bytes: the value as it came, decodable or not."},
    }
    return dict(sorted(described.items()))


def _message(kind: type[Event]) -> dict[str, Any]:
    attributes = ("ce_id", "ce_source", "ce_subject", "ce_time", "content-type", "traceparent")
    return {
        "name": kind.type,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").split("\n\n")[0].strip(),
        "headers": _object(
            {"ce_type": {"const": kind.type}, "ce_specversion": {"const": "1.0"}}
            | _strings(attributes)
        ),
        "payload": {"$ref": _SCHEMAS + kind.__name__},
    }


def _strings(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"type": "string"} for name in names}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties)}


def _schemas() -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(kind, "serialization") for kind in REGISTRY.values()], ref_template=_SCHEMAS + "{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return dict(sorted(schemas.items()))
