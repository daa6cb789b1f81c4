"""What the server says on the WebSocket, as models: for the AsyncAPI document and its tests.

On the wire these messages are written as plain JSON, once for all subscribers; a contract test
holds what is written to these models.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from docyard_common.errors import FailureReason
from docyard_common.events.stages import Stage


class ServerMessage(BaseModel):
    """Closed to fields it does not know; *id* repeats that of the message it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | int | None = None


class ProgressError(BaseModel):
    """Why a document failed, or why its stage is tried again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: FailureReason
    message: str
    retryable: bool


class ProgressData(BaseModel):
    """Where a document is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str = Field(description="A state of a document, or `deleted`")
    stage: Stage | None
    stage_index: int = Field(ge=0, le=4)
    stage_count: int
    progress: float = Field(ge=0, le=100)
    pages_done: int | None
    pages_total: int | None
    message: str
    eta_s: float | None
    attempt: int
    error: ProgressError | None


class SnapshotItem(BaseModel):
    """Where a document was when the subscription began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_id: UUID
    seq: int = Field(ge=0, lt=2**53)
    data: ProgressData


class Connected(ServerMessage):
    """The token is believed; until *expires_at* the connection stays."""

    type: Literal["connected"]
    session: str
    expires_at: datetime


class Subscribed(ServerMessage):
    """The subscription has begun; *recovered* says whether `since` was met in full."""

    type: Literal["subscribed"]
    recovered: bool
    snapshot: tuple[SnapshotItem, ...]


class Unsubscribed(ServerMessage):
    """Nothing follows for those documents."""

    type: Literal["unsubscribed"]


class JobProgress(ServerMessage, SnapshotItem):
    """A document has moved; drop it unless its `seq` is higher than what you hold."""

    type: Literal["job_progress"]


class JobStatusResponse(ServerMessage, SnapshotItem):
    """The answer to `get_job_status` and `cancel_job`."""

    type: Literal["job_status_response"]


class Refusal(ServerMessage):
    """A message was not acted on; the connection stays."""

    type: Literal["error"]
    code: str = Field(description="Stable, SCREAMING_SNAKE")
    message: str
    job_id: UUID | None = None
    limit: int | None = None
    retryable: bool | None = None


class Pong(ServerMessage):
    """The server is there."""

    type: Literal["pong"]


ANSWERS = (
    Connected,
    Subscribed,
    Unsubscribed,
    JobProgress,
    JobStatusResponse,
    Refusal,
    Pong,
)
