"""The work table against a model of it: whatever the order of events, the promises hold."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar
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
    multiple,
    precondition,
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


EVERY_GENERATION = 2**31 - 1
STEPS = st.sampled_from([0, 0, 1, 1, -1])
"""From the newest generation of a document to the one that something is about."""
FOLLOWING = (Stage.EXTRACT, Stage.ANALYZE)
ROW_STATES = {"waiting": "waiting", "running": "running", "expired": "running", "dead": "dead"}


@dataclass
class Model:
    """What must be true of one generation of one document's validate stage."""

    state: str = "absent"  # absent, waiting, running, expired, dead, done
    fence: int = 0
    stopped: bool = False  # while its run goes on
    results: int = 0
    replays: set[UUID] = field(default_factory=set)

    @property
    def is_due(self) -> bool:
        return self.state == "waiting" or (self.state == "expired" and not self.stopped)

    def is_held_by(self, lease: Lease) -> bool:
        return self.state in ("running", "expired") and self.fence == lease.fence

    def stop(self) -> None:
        if self.state in ("running", "expired"):
            self.stopped = True
        elif self.state in ("waiting", "dead"):
            self.state = "absent"


class End(Enum):
    """How a run ends."""

    DONE = auto()
    DONE_WITH_OTHERS = auto()
    DEAD = auto()
    LATER = auto()
    GIVEN_BACK = auto()


@dataclass
class Document:
    """What must be true of a document: its generations, and which of them are over for good."""

    works: dict[int, Model] = field(default_factory=lambda: defaultdict(Model))
    over: int = 0  # up to this generation nothing begins any more
    known: set[int] = field(default_factory=set)  # generations of which a run has ended

    def newest(self) -> int:
        rows = {n for n, model in self.works.items() if model.state not in ("absent", "done")}
        return max(rows | self.known, default=0)

    @property
    def is_deleted(self) -> bool:
        return self.over == EVERY_GENERATION

    def near(self, step: int) -> int:
        """Return a generation as far from the newest one that was seen."""
        return max(1, max(self.works, default=1) + step)

    def supersede(self, generation: int) -> None:
        self.over = max(self.over, generation - 1)
        for older, model in self.works.items():
            if older < generation:
                model.stop()


class WorkMachine(RuleBasedStateMachine):
    """Documents that arrive, are picked, end, are cancelled and processed anew in any order."""

    database: Database
    runner: asyncio.Runner
    documents = Bundle("documents")
    leases = Bundle("leases")

    @initialize(target=documents)
    def empty(self) -> Any:
        self.models: dict[UUID, Document] = {}
        self.reused = 0
        self.do(self._truncate)
        return multiple(self._new_document(), self._new_document())

    @precondition(lambda self: sum(not each.is_deleted for each in self.models.values()) < 2)
    @rule(target=documents)
    def new_document(self) -> UUID:
        return self._new_document()

    @rule(target=leases, document=documents, step=STEPS)
    def deliver_and_pick(self, document: UUID, step: int) -> Any:
        self.deliver(document, step)
        return self.pick()

    @rule(document=documents, step=STEPS)
    def deliver(self, document: UUID, step: int) -> None:
        """The first order of a generation, or it again; it ends those before it."""
        generation = self.models[document].near(step)
        self.do(lambda tx: intake.take(tx, [order(document, generation=generation)]))
        model = self._taken_in(document, generation)
        if model.state == "absent" and generation > self.models[document].over:
            model.state = "waiting"

    @rule(document=documents, again=st.booleans(), step=STEPS)
    def replay(self, document: UUID, again: bool, step: int) -> None:  # noqa: FBT001
        generation = self.models[document].near(step)
        replays = self.models[document].works[generation].replays
        replay_id = next(iter(replays)) if again and replays else uuid7()
        again_it = order(document, replay_id=replay_id, generation=generation)
        self.do(lambda tx: intake.take(tx, [again_it]))
        model = self._taken_in(document, generation)
        is_over = generation <= self.models[document].over
        if is_over or model.state in ("waiting", "running", "expired", "done"):
            return
        if model.state == "absent" or replay_id not in model.replays:
            model.state = "waiting"
            model.replays.add(replay_id)

    @precondition(lambda self: any(model.is_due for model in self._works()))
    @rule(target=leases)
    def pick(self) -> Any:
        lanes = tuple(Priority)
        found = self.do(lambda tx: picking.pick(tx, Stage.VALIDATE, lanes, worker="w", lease_s=60))
        assert bool(found) == any(model.is_due for model in self._works()), (
            "work that waits is picked, and nothing else"
        )
        if not found:
            return multiple()
        (lease,) = found
        model = self._model(lease)
        assert model.is_due
        assert lease.fence > model.fence, "a fence only grows"
        model.state, model.fence = "running", lease.fence
        return lease

    @rule(document=documents)
    def lose_the_lease(self, document: UUID) -> None:
        """The worker is gone for longer than its lease: another may pick the row."""
        expire = "update work set lease_until = now() - interval '1 s' where document_id = %s"
        self.do(lambda tx: tx.execute(expire, (document,)))
        for model in self.models[document].works.values():
            if model.state == "running":
                model.state = "expired"

    @rule(target=leases, document=documents)
    def lose_the_lease_to_another(self, document: UUID) -> Any:
        self.lose_the_lease(document)
        return self.pick()

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        """A run that goes on keeps its row, even late; one that must end learns it."""
        lost = self.do(lambda tx: picking.renew(tx, [lease], lease_s=60))
        model = self._model(lease)
        keeps = model.is_held_by(lease) and not model.stopped
        assert lost == ([] if keeps else [lease])
        if keeps:
            model.state = "running"

    @rule(lease=consumes(leases), how=st.sampled_from(End))
    def end(self, lease: Lease, how: End) -> None:
        """A run ends, perhaps long after it has lost its row."""
        self._end(lease, how)

    @rule(lease=leases, how=st.sampled_from(End))
    def end_and_not_know_it(self, lease: Lease, how: End) -> None:
        """A run ends, and goes on as if it had not: the answer was lost."""
        self._end(lease, how)

    @rule(lease=leases)
    def discard(self, lease: Lease) -> None:
        """A run that was stopped takes its row with it; one that was not leaves it there."""
        self.do(lambda tx: settling.discard(tx, lease))
        model = self._model(lease)
        if model.is_held_by(lease) and model.stopped:
            model.state, model.stopped = "absent", False

    @precondition(
        lambda self: any(model.stopped or model.state == "expired" for model in self._works())
    )
    @rule()
    def sweep(self) -> None:
        """What was stopped and has no worker any more goes."""
        swept = self.do(picking.sweep_cancelled)
        left = [model for model in self._works() if model.stopped and model.state == "expired"]
        assert swept == len(left)
        for model in left:
            model.state, model.stopped = "absent", False

    @rule(document=documents, step=STEPS)
    def cancel(self, document: UUID, step: int) -> None:
        """All work up to a generation ends, unless that is over or a newer one has begun."""
        generation = self.models[document].near(step)
        ended = self.do(
            lambda tx: stopping.cancel(
                tx, document, artifacts="{generation}/", generation=generation
            )
        )
        model = self.models[document]
        ends = generation > model.over and generation >= model.newest()
        assert ended == (generation if ends else None)
        if ends:
            model.supersede(generation + 1)

    @precondition(lambda self: len(self.models) < 6)
    @rule(document=consumes(documents), step=STEPS)
    def forget(self, document: UUID, step: int) -> None:
        """A document is deleted, and then an order of it comes: nothing begins any more."""
        self.do(lambda tx: stopping.forget(tx, document, prefix="d/"))
        model = self.models[document]
        model.supersede(EVERY_GENERATION)
        model.over = EVERY_GENERATION
        model.known.clear()
        for work in model.works.values():
            if work.state == "done":
                work.state = "absent"
        self.reused = self.do(_reused)
        self.deliver(document, step)

    @invariant()
    def no_generation_has_two_results(self) -> None:
        assert all(model.results <= 1 for model in self._works())

    @invariant()
    def the_table_has_the_rows_of_the_model_and_no_others(self) -> None:
        expected = {
            (document_id, generation): (ROW_STATES[model.state], model.fence, model.stopped)
            for document_id, document in self.models.items()
            for generation, model in document.works.items()
            if model.state in ROW_STATES
        }
        assert self.do(_rows) == expected

    def _end(self, lease: Lease, how: End) -> None:
        match how:
            case End.DONE:
                self._finish(lease)
            case End.DONE_WITH_OTHERS:
                self._finish_and_take_over(lease)
            case End.DEAD:
                self._give_up(lease)
            case End.LATER:
                self._try_later(lease)
            case End.GIVEN_BACK:
                self._give_back(lease)

    def _finish(self, lease: Lease) -> None:
        if self._settled(lease, settling.remove):
            self._done(lease)

    def _finish_and_take_over(self, lease: Lease) -> None:
        """A run takes over what follows as well: noted once, and only by the run that counts."""

        async def settle(tx: Transaction, held: Lease) -> settling.Hold:
            hold = await settling.remove(tx, held)
            await settling.take_over(tx, held, FOLLOWING)
            return hold

        if self._settled(lease, settle):
            self._done(lease)
            self.reused += len(FOLLOWING)
        assert self.do(_reused) == self.reused

    def _give_up(self, lease: Lease) -> None:
        if self._settled(lease, lambda tx, held: settling.bury(tx, held, failure=FAILURE)):
            self._model(lease).state = "dead"
            self._remember(lease)

    def _try_later(self, lease: Lease) -> None:
        if self._settled(
            lease, lambda tx, held: settling.postpone(tx, held, delay_s=0, failure=FAILURE)
        ):
            self._model(lease).state = "waiting"
            self._remember(lease)

    def _give_back(self, lease: Lease) -> None:
        if self._settled(lease, settling.release):
            self._model(lease).state = "waiting"

    def _new_document(self) -> UUID:
        document_id = uuid7()
        self.models[document_id] = Document()
        return document_id

    def _works(self) -> list[Model]:
        return [model for each in self.models.values() for model in each.works.values()]

    def _taken_in(self, document: UUID, generation: int) -> Model:
        """Return the work of a generation whose order has come."""
        if generation > 1:
            self.models[document].supersede(generation)
        return self.models[document].works[generation]

    def _model(self, lease: Lease) -> Model:
        return self.models[lease.key.document_id].works[lease.key.generation]

    def _remember(self, lease: Lease) -> None:
        self.models[lease.key.document_id].known.add(lease.key.generation)

    def _done(self, lease: Lease) -> None:
        model = self._model(lease)
        model.state, model.results = "done", model.results + 1
        self._remember(lease)

    def _settled(
        self, lease: Lease, settle: Callable[[Transaction, Lease], Awaitable[settling.Hold]]
    ) -> bool:
        """Settle *lease*; the table must refuse exactly those that the model refuses."""
        model = self._model(lease)
        held = model.is_held_by(lease) and not model.stopped
        try:
            self.do(lambda tx: _confirmed(settle(tx, lease)))
        except SupersededError:
            assert not held
            return False
        assert held
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


async def _reused(tx: Transaction) -> int:
    cursor = await tx.execute("select count(*) as n from stage_runs where outcome = 'reused'")
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


async def _rows(tx: Transaction) -> dict[tuple[UUID, int], tuple[str, int, bool]]:
    cursor = await tx.execute("select document_id, generation, state, fence, cancelled from work")
    return {
        (row["document_id"], row["generation"]): (row["state"], row["fence"], row["cancelled"])
        for row in await cursor.fetchall()
    }


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
                max_examples=120,
                stateful_step_count=40,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())
