"""The queue, the figures and a document's place in it, as ingest tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.integration.ingest.test_projector import finished, records, started

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.events import codec, topics
from docyard_common.events.observation import ProcessingObserved, Spread, StageObserved
from docyard_common.events.stages import Priority, Stage
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.outbox import Outbox
from ingest.observing import Observing
from ingest.projector import Projector

pytestmark = pytest.mark.integration


def observed(*, seconds_ago: int = 0, running: int = 1) -> ReceivedRecord:
    stages = tuple(
        StageObserved(
            stage=stage, waiting={Priority.NORMAL: 2}, retrying=1, running=running, slots=4,
            oldest_s=3.0, dead=0, done=600, failed=1, retried=2, utilisation=0.5,
            run_s=Spread(p50=1.0, p95=2.0), wait_s=Spread(p50=0.0, p95=0.1),
        )
        for stage in Stage
    )  # fmt: skip
    event = ProcessingObserved(
        observed_at=datetime.now(UTC) - timedelta(seconds=seconds_ago), window_s=300, stages=stages
    )
    record = codec.encode(event, topic=topics.OBSERVATIONS, source="processor")
    return ReceivedRecord(
        topics.OBSERVATIONS, 0, 0, 0, record.key, record.value, tuple(record.headers)
    )


async def read(ingest: RunningIngest, path: str) -> dict[str, Any]:
    answer = await ingest.client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def uploaded(ingest: RunningIngest, content: bytes, *, priority: str = "normal") -> UUID:
    answer = await ingest.upload(content, priority=priority)
    return UUID(answer.json()["document_id"])


async def test_the_queue_counts_documents_and_tells_what_the_processor_said(
    ingest: RunningIngest, database: Database
) -> None:
    first = await uploaded(ingest, b"1")
    await uploaded(ingest, b"2", priority="low")
    projector = Projector(database=database, outbox=Outbox(source="t"), clock=SystemClock())
    await projector.apply(records(finished(first, Stage.VALIDATE)))
    await ingest.rows("update documents set waiting_since = now() returning 1")
    before = await read(ingest, "queue")

    await Observing(database).apply([observed(running=3), observed(seconds_ago=60, running=2)])
    await Observing(database).apply([observed(seconds_ago=30, running=1)])
    after = await read(ingest, "queue")

    assert before["observed_at"] is None
    waiting = {stage["stage"]: stage["waiting"] for stage in after["stages"]}
    assert waiting == {"validate": 1, "extract": 1, "analyze": 0, "index": 0}
    validate = after["stages"][0]
    assert validate["waiting_by_priority"]["low"] == 1
    assert (validate["running"], validate["queued"], validate["slots"]) == (3, 2, 4)
    assert after["age_s"] < 30


async def test_a_document_knows_its_place_and_when_it_may_be_done(
    ingest: RunningIngest, database: Database
) -> None:
    ids = [await uploaded(ingest, b"%d" % n) for n in range(3)]
    await uploaded(ingest, b"x", priority="critical")
    await Observing(database).apply([observed()])

    place = await read(ingest, f"documents/{ids[2]}/queue")

    assert (place["position"], place["waits_for"]) == (4, "validate")
    assert place["waiting_s"] >= 0
    # 600 runs in 300 s that were worked for half of the time: four a second at full speed.
    assert place["eta_s"] == round(3 / 4.0 + 4 * 1.0, 1)
    assert (await read(ingest, f"documents/{ids[2]}"))["eta_s"] == place["eta_s"]
    short = (await ingest.client.get(f"/upload-status/{ids[2]}")).json()
    assert short["estimated_completion"] > datetime.now(UTC).isoformat()
    foreign = await ingest.client.get(
        f"/api/v1/documents/{ids[0]}/queue", headers=ingest.as_owner("bob")
    )
    assert foreign.status_code == 404


async def test_a_document_that_runs_has_no_place(ingest: RunningIngest, database: Database) -> None:
    document_id = await uploaded(ingest, b"1")
    projector = Projector(database=database, outbox=Outbox(source="t"), clock=SystemClock())
    await projector.apply(records(started(document_id, Stage.EXTRACT)))

    place = await read(ingest, f"documents/{document_id}/queue")

    assert (place["position"], place["waits_for"], place["state"]) == (None, None, "extracting")


async def test_the_figures_of_the_stages_are_told(
    ingest: RunningIngest, database: Database
) -> None:
    await Observing(database).apply([observed()])

    figures = await read(ingest, "documents/processing/metrics")

    assert figures["window_s"] == 300
    extract = figures["stages"][1]
    assert (extract["done"], extract["done_per_s"], extract["utilisation"]) == (600, 2.0, 0.5)
    assert extract["run_s"] == {"p50": 1.0, "p95": 2.0}


async def test_the_timeline_names_each_run(ingest: RunningIngest, database: Database) -> None:
    document_id = await uploaded(ingest, b"1")
    projector = Projector(database=database, outbox=Outbox(source="t"), clock=SystemClock())
    await projector.apply(
        records(started(document_id, Stage.VALIDATE), finished(document_id, Stage.VALIDATE))
    )

    found = await read(ingest, f"documents/{document_id}/timeline")

    (generation,) = found["generations"]
    (stage,) = generation["stages"]
    assert (stage["stage"], stage["attempts"], stage["runs"][0]["outcome"]) == (
        "validate", 1, "done",
    )  # fmt: skip
