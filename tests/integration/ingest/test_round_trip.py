"""Ingest with Kafka: what is accepted is published, what is published is shown."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest, running
from tests.waiting import eventually

from docyard_common.events import sequence, topics
from docyard_common.events.documents import DocumentCompleted
from docyard_common.kafka.admin import ensure_topics
from docyard_common.kafka.producer import ProgressPublisher
from docyard_common.settings import KafkaSettings
from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration


async def test_what_is_accepted_is_published_and_what_is_published_is_shown(
    ingest_settings: IngestSettings, kafka_settings: KafkaSettings
) -> None:
    await ensure_topics(kafka_settings)
    settings = ingest_settings.model_copy(update={"kafka": kafka_settings})
    async with running(settings) as ingest:
        document_id = UUID((await ingest.upload()).json()["document_id"])
        await eventually(lambda: published(ingest))
        await publish_completed(kafka_settings, document_id)

        async def is_completed() -> bool:
            answer = await ingest.client.get(f"/api/v1/documents/{document_id}")
            return bool(answer.json()["state"] == "completed")

        async def sees_kafka() -> bool:
            report = (await ingest.client.get("/health")).json()
            return bool(report["dependencies"]["kafka"]["status"] == "ok")

        await eventually(is_completed)
        await eventually(sees_kafka)


async def published(ingest: RunningIngest) -> bool:
    return not await ingest.outbox()


async def publish_completed(settings: KafkaSettings, document_id: UUID) -> None:
    publisher = ProgressPublisher(settings, source="test")
    await publisher.start()
    event = DocumentCompleted(
        document_id=document_id, owner="ann", generation=1, seq=sequence.terminal(1),
        completed_at=datetime.now(UTC), pages_total=1,
    )  # fmt: skip
    await publisher.publish(topics.EVENTS, event)
    await publisher.stop()
