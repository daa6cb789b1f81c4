"""The AsyncAPI 3 document of the WebSocket, made from the models of its messages."""

from collections.abc import Iterable
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from notifier.answers import ANSWERS
from notifier.close_codes import REASONS
from notifier.messages import Message

_CLIENT: Final[tuple[type[BaseModel], ...]] = get_args(Message)
_SCHEMAS: Final = "#/components/schemas/"
_CHANNEL: Final = "#/channels/progress"


def document(version: str) -> dict[str, Any]:
    """Return the AsyncAPI document of `/api/v1/ws/progress`, as of *version* of Docyard."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Docyard live progress",
            "version": version,
            "description": _description(),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "progress": {
                "address": "/api/v1/ws/progress",
                "description": "One connection follows any number of documents.",
                "messages": {name: _reference("messages", name) for name in _names(_all())},
            }
        },
        "operations": {
            "hear": _operation("receive", "What clients may say.", _CLIENT),
            "tell": _operation("send", "What the server says.", ANSWERS),
        },
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in _all()},
            "schemas": _schemas(),
        },
    }


def _all() -> tuple[type[BaseModel], ...]:
    return (*_CLIENT, *ANSWERS)


def _names(kinds: Iterable[type[BaseModel]]) -> list[str]:
    return [kind.__name__ for kind in kinds]


def _description() -> str:
    codes = "\n".join(f"* {code.value}: {reason}" for code, reason in REASONS.items())
    return (
        "The first message is `connect`, unless the token came with the handshake. `seq` grows "
        "strictly for each document: keep the highest, drop what is not newer.\n\n"
        f"Close codes (4400 to 4499 are final, after others reconnect with jitter):\n\n{codes}"
    )


def _operation(action: str, summary: str, kinds: Iterable[type[BaseModel]]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": _CHANNEL},
        "summary": summary,
        "messages": [{"$ref": f"{_CHANNEL}/messages/{name}"} for name in _names(kinds)],
    }


def _message(kind: type[BaseModel]) -> dict[str, Any]:
    name = get_args(kind.model_fields["type"].annotation)[0]
    return {
        "name": name,
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").strip(),
        "payload": _reference("schemas", kind.__name__),
    }


def _reference(section: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{name}"}


def _schemas() -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(kind, "validation") for kind in _all()], ref_template=_SCHEMAS + "{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    return dict(sorted(schemas.items()))
