"""The work table against a model of it: whatever the order of events, the promises hold."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.integration.work.orders import MIGRATIONS, SCHEMA, order

from docyard_common.database import Database, Transaction, migrate
from docyard_common.delivery.outcome import Failure
from docyard_common.errors import FailureReason, SupersededError
from docyard_common.events.stages import Priority, Stage
from docyard_common.ids import uuid7
from docyard_common.settings import DatabaseSettings
from docyard_common.work import intake, picking, settling, stopping
from docyard_common.work.model import Lease

pytestmark = pytest.mark.integration

T = TypeVar("T")
FAILURE = Failure(FailureReason.TIMEOUT, "too slow", "StageTimeoutError")


@dataclass
class Model:
    """What must be true of one document's validate stage."""

    state: str = "absent"  # absent, waiting, running, dead, done
    fence: int = 0
    cancelled: bool = False
    results: int = 0
    replays: set[UUID] = field(default_factory=set)


class WorkMachine(RuleBasedStateMachine):
    """Documents that arrive, are picked, end and are cancelled in any order."""

    database: Database
    runner: asyncio.Runner
    documents = Bundle("documents")
    leases = Bundle("leases")

    @initialize()
    def empty(self) -> None:
        self.models: dict[UUID, Model] = {}
        self.do(self._truncate)

    @rule(target=documents)
    def new_document(self) -> UUID:
        document_id = uuid7()
        self.models[document_id] = Model()
        return document_id

    @rule(document=documents)
    def deliver(self, document: UUID) -> None:
        self.do(lambda tx: intake.take(tx, [order(document)]))
        model = self.models[document]
        if model.state == "absent" and not model.cancelled:
            model.state = "waiting"

    @rule(document=documents, again=st.booleans())
    def replay(self, document: UUID, again: bool) -> None:  # noqa: FBT001
        model = self.models[document]
        replay_id = next(iter(model.replays)) if again and model.replays else uuid7()
        self.do(lambda tx: intake.take(tx, [order(document, replay_id=replay_id)]))
        if model.cancelled or model.state in ("waiting", "running", "done"):
            return
        if model.state == "absent" or replay_id not in model.replays:
            model.state = "waiting"
            model.replays.add(replay_id)

    @rule(target=leases)
    def pick(self) -> Lease | None:
        lanes = tuple(Priority)
        found = self.do(lambda tx: picking.pick(tx, Stage.VALIDATE, lanes, worker="w", lease_s=60))
        waiting = [d for d, m in self.models.items() if m.state == "waiting"]
        assert bool(found) == bool(waiting), "work that waits is picked, and nothing else"
        if not found:
            return None
        (lease,) = found
        model = self.models[lease.key.document_id]
        assert model.state == "waiting"
        assert lease.fence > model.fence, "a fence only grows"
        model.state, model.fence = "running", lease.fence
        return lease

    @rule(document=documents)
    def lose_the_lease(self, document: UUID) -> None:
        """The worker is gone for longer than its lease: another may pick the row."""
        expire = "update work set lease_until = now() - interval '1 s' where document_id = %s"
        self.do(lambda tx: tx.execute(expire, (document,)))
        model = self.models[document]
        if model.state == "running" and not model.cancelled:
            model.state = "waiting"

    @rule(lease=consumes(leases))
    def finish(self, lease: Lease | None) -> None:
        if self._settled(lease, settling.remove):
            model = self._model(lease)
            model.state, model.results = "done", model.results + 1

    @rule(lease=consumes(leases))
    def give_up(self, lease: Lease | None) -> None:
        if self._settled(lease, lambda tx, held: settling.bury(tx, held, failure=FAILURE)):
            self._model(lease).state = "dead"

    @rule(lease=consumes(leases))
    def try_later(self, lease: Lease | None) -> None:
        postponed = self._settled(
            lease, lambda tx, held: settling.postpone(tx, held, delay_s=0, failure=FAILURE)
        )
        if postponed:
            self._model(lease).state = "waiting"

    @rule(document=documents)
    def cancel(self, document: UUID) -> None:
        self.do(lambda tx: stopping.cancel(tx, document, artifacts="{generation}/"))
        model = self.models[document]
        model.cancelled = True
        if model.state in ("waiting", "dead"):
            model.state = "absent"

    @invariant()
    def no_document_has_two_results(self) -> None:
        assert all(model.results <= 1 for model in getattr(self, "models", {}).values())

    def _model(self, lease: Lease | None) -> Model:
        assert lease is not None
        return self.models[lease.key.document_id]

    def _settled(
        self, lease: Lease | None, settle: Callable[[Transaction, Lease], Awaitable[settling.Hold]]
    ) -> bool:
        """Settle *lease*; the table must refuse exactly those that the model refuses."""
        if lease is None:
            return False
        model = self._model(lease)
        held = model.state in ("running", "waiting") and model.fence == lease.fence
        try:
            self.do(lambda tx: _confirmed(settle(tx, lease)))
        except SupersededError:
            assert not held or model.cancelled or model.state == "waiting"
            return False
        assert held
        assert not model.cancelled
        return True

    def do(self, act: Callable[[Transaction], Awaitable[T]]) -> T:
        async def transact() -> T:
            async with self.database.transaction() as tx:
                return await act(tx)

        return self.runner.run(transact())

    async def _truncate(self, tx: Transaction) -> None:
        await tx.execute("truncate work, stage_runs, cancellations, erasures")


async def _confirmed(settlement: Awaitable[settling.Hold]) -> None:
    (await settlement).confirm()


def test_the_table_keeps_its_promises_in_any_order(database_settings: DatabaseSettings) -> None:
    with asyncio.Runner() as runner:
        runner.run(migrate(database_settings, schema=SCHEMA, locations=MIGRATIONS))
        database = Database(database_settings, schema=SCHEMA, application_name="test")
        runner.run(database.open())

        class Machine(WorkMachine):
            pass

        Machine.database, Machine.runner = database, runner
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())
