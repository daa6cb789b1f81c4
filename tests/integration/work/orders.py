"""Work orders with only the values a test is about."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import processor
from docyard_common.delivery import headers
from docyard_common.events import codec, topics
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.work.model import WorkOrder

SCHEMA = "processor"
MIGRATIONS = Path(processor.__file__).parent / "migrations"


def order(  # noqa: PLR0913 - each a value that a test may be about
    document_id: UUID | None = None,
    *,
    stage: Stage = Stage.VALIDATE,
    lane: Priority = Priority.NORMAL,
    owner: str = "ann",
    bulky: bool = False,
    generation: int = 1,
    reconciling: bool = False,
    replay_id: UUID | None = None,
    memory_bytes: int = 0,
) -> WorkOrder:
    request = StageRequested(
        document_id=document_id or uuid7(),
        owner=owner,
        generation=generation,
        seq=0,
        stage=stage,
        priority=lane,
        filename="a.txt",
        content_type="text/plain",
        size_bytes=1,
        sha256="0" * 64,
        object_key="documents/x/original",
        accepted_at=datetime.now(UTC),
        reconciling=reconciling,
    )
    record = codec.encode(request, topic=topics.work(stage, lane), source="test")
    found = record.headers
    if replay_id:
        found = headers.replayed(found, headers.Replay(replay_id, 1))
    received = ReceivedRecord(record.topic, 0, 0, 0, record.key, record.value, tuple(found))
    replay = str(replay_id) if replay_id else None
    return WorkOrder(received, request, bulky, replay, memory_bytes=memory_bytes)
