"""A server that fails one document alone, while all others go on, is not away."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from tests.integration.work.orders import order

from docyard_common.delivery.outcome import Done
from docyard_common.errors import DependencyUnavailableError, RetryableError
from docyard_common.events import codec
from docyard_common.events.stages import Priority, Stage
from docyard_common.events.work import StageRequested
from docyard_common.ids import uuid7
from docyard_common.work.model import Lease, WorkKey
from processor.doubting import Doubting, FailsAloneError

ENOUGH = 300
GOOD, BAD, WORSE = uuid7(), uuid7(), uuid7()


@dataclass
class Store:
    """Does not answer for some documents."""

    silent_for: set[UUID] = field(default_factory=lambda: {BAD, WORSE})

    async def work(self, lease: Lease, request: StageRequested) -> Done:
        del request
        if lease.key.document_id in self.silent_for:
            raise DependencyUnavailableError("object_store", "nobody answers")
        return Done()


async def run(work: Doubting, document_id: UUID) -> type[Exception] | None:
    """Return what a run of the document dies of."""
    record = order(document_id).record
    lease = Lease(
        key=WorkKey(document_id, 1, Stage.VALIDATE), lane=Priority.NORMAL, owner="ann",
        bulky=False, fence=1, attempt=1, deliveries=1, started_at=datetime.now(UTC), waited_s=0.0,
        first_failed_at=None, record=record, worker="w",
    )  # fmt: skip
    request = codec.decode(record.value, record.headers)
    assert isinstance(request, StageRequested)
    try:
        await work(lease, request)
    except Exception as error:  # noqa: BLE001 - told to the test
        return type(error)
    return None


async def test_while_nobody_gets_an_answer_the_server_is_away() -> None:
    work = Doubting(Store().work)

    died = {await run(work, each) for _ in range(ENOUGH + 1) for each in (BAD, WORSE)}

    assert died == {DependencyUnavailableError}


async def test_what_fails_alone_time_after_time_has_failed() -> None:
    work = Doubting(Store().work)

    died = [(await run(work, BAD), await run(work, GOOD))[0] for _ in range(ENOUGH + 1)]

    assert died == [DependencyUnavailableError] * ENOUGH + [FailsAloneError]
    assert issubclass(FailsAloneError, RetryableError)
    assert not issubclass(FailsAloneError, DependencyUnavailableError)
    assert await run(work, BAD) is DependencyUnavailableError, "the next attempt begins anew"


async def test_an_answer_ends_the_doubt() -> None:
    store = Store()
    work = Doubting(store.work)
    for _ in range(ENOUGH):
        await run(work, BAD)
        await run(work, GOOD)
    store.silent_for.clear()
    assert await run(work, BAD) is None
    store.silent_for = {BAD}
    await run(work, GOOD)

    assert await run(work, BAD) is DependencyUnavailableError


@pytest.mark.parametrize("successes", [1, 3])
async def test_several_answers_between_two_failures_count_once(successes: int) -> None:
    work = Doubting(Store().work)
    for _ in range(ENOUGH):
        assert await run(work, BAD) is DependencyUnavailableError
        for _ in range(successes):
            await run(work, GOOD)

    assert await run(work, BAD) is FailsAloneError
