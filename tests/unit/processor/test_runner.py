"""What a run comes to: how it is judged, what the next one changes, and when it hangs."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from tests.integration.work.orders import order

from docyard_common.delivery.ladder import Mode
from docyard_common.delivery.outcome import Done, Outcome, Retry
from docyard_common.delivery.retry import RetryPolicy
from docyard_common.errors import FailureReason
from docyard_common.events import codec
from docyard_common.events.documents import StageRetrying
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.outbox import Outbox
from docyard_common.work.model import Lease, Meter, WorkKey
from processor.facts import Facts
from processor.handlers.remote import RemoteExtractorError
from processor.reuse.recipe import Recipes
from processor.runner import Runner, Work
from processor.sandbox.errors import MemoryLimitError
from processor.settings import ProcessorSettings


@dataclass
class Settlement:
    """Keeps what it is to settle."""

    outcomes: list[Outcome] = field(default_factory=list)

    async def announce(self, _lease: Lease) -> None: ...

    async def settle(
        self, _lease: Lease, _request: StageRequested, outcome: Outcome, **_options: bool
    ) -> None:
        self.outcomes.append(outcome)


def lease_of(stage: Stage, mode: Mode = Mode.STANDARD) -> Lease:
    document_id = uuid7()
    return Lease(
        key=WorkKey(document_id, 1, stage), lane=Priority.NORMAL, owner="ann", bulky=False,
        fence=1, attempt=1, deliveries=1, started_at=datetime.now(UTC), waited_s=0.0,
        first_failed_at=None, record=order(document_id, stage=stage).record, worker="w",
        meter=Meter(mode=mode),
    )  # fmt: skip


async def outcome_of(work: Work, lease: Lease, *, limit_s: float = 60.0) -> Outcome:
    settlement = Settlement()
    runner = Runner(
        work={lease.key.stage: work},
        settlement=cast("Any", settlement),
        retry=RetryPolicy(),
        max_deliveries=5,
        limit_s=limit_s,
    )
    outcome = await runner.run(lease)
    assert settlement.outcomes == [outcome]
    return outcome


async def retry_of(work: Work, lease: Lease, *, limit_s: float = 60.0) -> Retry:
    outcome = await outcome_of(work, lease, limit_s=limit_s)
    assert isinstance(outcome, Retry)
    return outcome


def raising(error: Exception) -> Work:
    async def work(_lease: Lease, _request: StageRequested) -> Done:
        raise error

    return work


def told(lease: Lease, retry: Retry) -> StageRetrying:
    facts = Facts(outbox=Outbox(source="test"), recipes=Recipes.of_settings(ProcessorSettings()))
    record = facts.retry(lease, retry, datetime.now(UTC))
    event = codec.decode(record.value, record.headers)
    assert isinstance(event, StageRetrying)
    return event


@pytest.mark.parametrize(
    ("stage", "claim"),
    [
        (Stage.VALIDATE, "checks bytes and type alone"),
        (Stage.EXTRACT, "reads page by page, without a thumbnail and without OCR"),
        (Stage.ANALYZE, "looks for no relations"),
        (Stage.INDEX, "embeds the text in smaller portions"),
    ],
)
async def test_what_the_next_attempt_changes_is_said_as_its_stage_does_it(
    stage: Stage, claim: str
) -> None:
    lease = lease_of(stage)

    event = told(lease, await retry_of(raising(MemoryLimitError("too much")), lease))

    assert event.message.startswith(f"too much; the next attempt {claim}")
    assert event.next_mode == "careful"


async def test_where_nothing_is_left_to_change_nothing_is_claimed() -> None:
    lease = lease_of(Stage.VALIDATE, Mode.CAREFUL)

    event = told(lease, await retry_of(raising(MemoryLimitError("too much")), lease))

    assert (event.message, event.next_mode) == ("too much", None)


async def test_a_remote_extractor_that_is_away_leaves_the_next_attempt_its_ocr() -> None:
    lease = lease_of(Stage.EXTRACT)

    retry = await retry_of(raising(RemoteExtractorError("nobody answers")), lease)

    assert retry.mode is Mode.STANDARD
    assert not retry.failure.reason.blames_the_document
    assert told(lease, retry).message == "nobody answers"


async def test_a_run_that_hangs_is_given_up_and_tried_again() -> None:
    ended = asyncio.Event()

    async def hang(_lease: Lease, _request: StageRequested) -> Done:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return Done()

    async with asyncio.timeout(10):
        retry = await retry_of(hang, lease_of(Stage.EXTRACT), limit_s=0.05)

    assert retry.failure.reason is FailureReason.ATTEMPTS_EXHAUSTED
    assert "RunOverdueError" in retry.failure.error_class
    assert retry.mode is Mode.STANDARD
    assert ended.is_set()


async def test_work_that_times_out_for_reasons_of_its_own_is_not_overdue() -> None:
    retry = await retry_of(raising(TimeoutError("its own")), lease_of(Stage.EXTRACT))

    assert retry.failure.reason is FailureReason.UNFORESEEN_ERROR


async def test_a_run_in_time_is_done() -> None:
    async def work(_lease: Lease, _request: StageRequested) -> Done:
        return Done(pages_total=3)

    assert await outcome_of(work, lease_of(Stage.EXTRACT)) == Done(pages_total=3)
