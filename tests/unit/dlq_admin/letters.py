"""Dead letters as the processor writes them, for the tests of dlq-admin."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from docyard_common.delivery.headers import Cause, Death, Origin, Replay, buried, replayed
from docyard_common.errors import FailureReason
from docyard_common.events import codec
from docyard_common.events.codec import Headers
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord

NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
TRACEPARENT = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
_offsets = count()


def work(document_id: UUID | None = None, **changes: Any) -> StageRequested:
    """A request for extract; a document of its own unless one is given."""
    given: dict[str, Any] = {
        "document_id": document_id or uuid7(),
        "owner": "ann",
        "generation": 1,
        "seq": 10,
        "stage": Stage.EXTRACT,
        "priority": Priority.HIGH,
        "filename": "a.pdf",
        "content_type": "application/pdf",
        "size_bytes": 3,
        "sha256": "0" * 64,
        "object_key": "documents/x/original",
        "accepted_at": NOON,
    }
    return StageRequested(**(given | changes))


def sent(event: StageRequested) -> tuple[bytes | None, bytes | None, Headers]:
    """Key, value and headers of the work record of *event*."""
    record = codec.encode(event, topic="work.extract.high", source="ingest")
    return record.key, record.value, (*record.headers, TRACEPARENT)


def death(minute: int = 0, **changes: Any) -> Death:
    """A death at *minute* past noon."""
    given: dict[str, Any] = {
        "stage": Stage.EXTRACT,
        "reason": FailureReason.UNREADABLE_DOCUMENT,
        "attempt": 3,
        "origin": Origin("work.extract.high", 0, next(_offsets), 1_700_000_000_000, "extract.high"),
        "cause": Cause("PdfiumError", "page 7 is damaged", "Traceback: secret/path.py"),
        "first_failed_at": NOON,
        "failed_at": NOON + timedelta(minutes=minute),
        "service_version": "0.1.0",
    }
    return Death(**(given | changes))


def dead(
    event: StageRequested | None = None, *, of: Death | None = None, replay: Replay | None = None
) -> ReceivedRecord:
    """The dead letter of *event*."""
    key, value, headers = sent(event or work())
    return lying(key, value, headers, of=of, replay=replay)


def lying(
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    *,
    of: Death | None = None,
    replay: Replay | None = None,
) -> ReceivedRecord:
    """A dead letter with these bytes, as it lies in its topic."""
    came = headers if replay is None else replayed(headers, replay)
    return ReceivedRecord(
        topic="dlq.extract",
        partition=0,
        offset=next(_offsets),
        timestamp_ms=int(NOON.timestamp() * 1000),
        key=key,
        value=value,
        headers=tuple(buried(came, of or death())),
    )
