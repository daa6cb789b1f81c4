"""The messages of the WebSocket: what clients may say, and how answers are written.

Every message of a client may carry an `id`; the answers to it repeat it.
"""

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Channel: TypeAlias = Literal["user", "user:me"]
"""All documents of the caller; both names mean the same."""
Position: TypeAlias = Annotated[int, Field(ge=0, lt=2**53)]
"""A `seq`; the bounds are those of `DocumentEvent`."""


class ClientMessage(BaseModel):
    """Frozen, and closed to fields it does not know: a typo is answered, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int | None = None


class Connect(ClientMessage):
    """Say who is there; the first message unless the token came with the handshake."""

    type: Literal["connect"]
    token: str


class Refresh(ClientMessage):
    """Go on with a younger token of the same subject."""

    type: Literal["refresh"]
    token: str


class Subscribe(ClientMessage):
    """Follow documents. *since* asks for what was missed: a `seq`, or one per document."""

    type: Literal["subscribe"]
    job_ids: frozenset[UUID] = frozenset()
    channels: frozenset[Channel] = frozenset()
    since: Position | dict[UUID, Position] | None = None


class Unsubscribe(ClientMessage):
    """Stop following."""

    type: Literal["unsubscribe"]
    job_ids: frozenset[UUID] = frozenset()
    channels: frozenset[Channel] = frozenset()


class GetJobStatus(ClientMessage):
    """Ask once."""

    type: Literal["get_job_status"]
    job_id: UUID


class CancelJob(ClientMessage):
    """Stop the work on a document; that it has stopped comes as progress."""

    type: Literal["cancel_job"]
    job_id: UUID


class Ping(ClientMessage):
    """Ask whether the server is there: for clients that can not see WebSocket pings."""

    type: Literal["ping"]


Message: TypeAlias = Connect | Refresh | Subscribe | Unsubscribe | GetJobStatus | CancelJob | Ping

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


class BadMessageError(Exception):
    """A frame that is no message; *code* and *detail* are for the client."""

    def __init__(self, code: str, detail: str, request_id: str | int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.request_id = request_id


def parse(frame: str | bytes) -> Message:
    """Read a frame. Raises BadMessageError: MALFORMED_JSON, UNKNOWN_TYPE or INVALID_MESSAGE."""
    try:
        content = orjson.loads(frame)
    except orjson.JSONDecodeError:
        raise BadMessageError("MALFORMED_JSON", "The message is not JSON.") from None
    if not isinstance(content, dict):
        raise BadMessageError("INVALID_MESSAGE", "A message is a JSON object with a type.")
    try:
        return _MESSAGE.validate_python(content)
    except ValidationError as error:
        raise _refusal(content, error) from None


def write(kind: str, request_id: str | int | None = None, **fields: Any) -> str:
    """Return a message of the server as JSON text."""
    about = {"type": kind} if request_id is None else {"type": kind, "id": request_id}
    return orjson.dumps(about | fields).decode()


def error(code: str, message: str, request_id: str | int | None = None, **fields: Any) -> str:
    """Return an `error` message; *message* is a sentence for people."""
    return write("error", request_id, code=code, message=message, **fields)


def _refusal(content: dict[str, Any], error: ValidationError) -> BadMessageError:
    """Say which fields are wrong, without repeating what was sent: it may be a token."""
    given = content.get("id")
    request_id = given if isinstance(given, str | int) else None
    details = error.errors(include_url=False, include_input=False, include_context=False)
    if any(detail["type"].startswith("union_tag") for detail in details):
        return BadMessageError("UNKNOWN_TYPE", "There is no message of this type.", request_id)
    # The first element of a location is the type of the message.
    fields = sorted({".".join(str(part) for part in d["loc"][1:2]) or "type" for d in details})
    return BadMessageError("INVALID_MESSAGE", f"Wrong fields: {', '.join(fields)}.", request_id)
