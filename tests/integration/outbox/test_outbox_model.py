"""The outbox against a model of it: whatever the order of events, nothing is lost or overtaken.

PostgreSQL is real and so are the relays; a log in memory stands for Kafka, so that each record may
meet whatever fate an example gives it.
"""

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar

import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from tests.waiting import eventually

from docyard_common.database import Database, Transaction
from docyard_common.events import codec
from docyard_common.outbox import Outbox, Relay
from docyard_common.outbox.schema import SHARDS
from docyard_common.settings import DatabaseSettings, KafkaSettings

pytestmark = pytest.mark.integration

T = TypeVar("T")
SCHEMA = "processor"
TOPIC = "outbox.model"
RELAYS = ("first", "second")
KEYS = (b"a", b"j", b"b", b"i", b"c", b"h")
assert len({zlib.crc32(key) % SHARDS for key in KEYS}) == 3, "pairs of them share a shard"
COMMITS = st.sampled_from([True, True, True, False])


class Fate(Enum):
    """What becomes of a record that a relay sends."""

    TAKEN = auto()
    REFUSED = auto()  # its acknowledgement is an error
    UNSENDABLE = auto()  # the producer does not even take it
    LOST = auto()  # the relay is killed before it is taken
    UNTOLD = auto()  # it is taken, and the relay is killed before it hears of it
    CUT = auto()  # it is taken and told so, and the relay has lost the database meanwhile


SURVIVED = (Fate.REFUSED, Fate.UNSENDABLE, Fate.CUT)
"""After these the relay meets what comes next as well."""


@dataclass
class Broker:
    """A log for each key, as Kafka's producer fills it; the next records meet `fates` in turn."""

    log: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))
    fates: list[Fate] = field(default_factory=list)
    relays: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def next_fate(self) -> Fate:
        return self.fates.pop(0) if self.fates else Fate.TAKEN


class Producer:
    """Stands for aiokafka's idempotent producer: after a refusal it takes no more of that key."""

    def __init__(self, broker: Broker, relay: str, database: Database) -> None:
        self._broker = broker
        self._relay = relay
        self._database = database
        self._out_of_order: set[bytes] = set()
        self._killed = False

    async def start(self) -> None:
        """Be connected: the log is always there."""

    async def stop(self) -> None:
        """Nothing is kept back."""

    async def send(
        self, _topic: str, value: bytes, key: bytes, *, headers: list[Any]
    ) -> "asyncio.Future[None]":
        assert headers == []
        ack = asyncio.get_running_loop().create_future()
        if self._killed:
            return ack
        if key in self._out_of_order:
            ack.set_exception(KafkaError("out of order"))
            return ack
        fate = self._broker.next_fate()
        if fate is Fate.UNSENDABLE:
            raise MessageSizeTooLargeError
        if fate is Fate.REFUSED:
            self._out_of_order.add(key)
            ack.set_exception(KafkaTimeoutError())
            return ack
        if fate is not Fate.LOST:
            self._broker.log[key].append(int(value))
        if fate in (Fate.LOST, Fate.UNTOLD):
            self._killed = True
            self._broker.relays[self._relay].cancel()
            return ack
        if fate is Fate.CUT:
            await self._cut()
        ack.set_result(None)
        return ack

    async def _cut(self) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and application_name = %s",
                (f"{self._relay}-relay",),
            )


@dataclass
class Opened:
    """A transaction that has added *added* and has not ended."""

    added: list[tuple[bytes, int]]
    tx: Transaction
    stack: AsyncExitStack


class OutboxMachine(RuleBasedStateMachine):
    """Transactions that add rows and end in any order, and relays that come and go."""

    database: Database
    database_settings: DatabaseSettings
    kafka_settings: KafkaSettings
    runner: asyncio.Runner
    broker: Broker
    opened = Bundle("opened")

    @initialize()
    def empty(self) -> None:
        type(self).broker = Broker()
        self.count = 0
        self.open: list[Opened] = []
        self.committed: dict[bytes, list[int]] = defaultdict(list)
        self.do(self._execute("truncate outbox"))

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=2, max_size=12), commits=COMMITS)
    def add(self, keys: list[bytes], commits: bool) -> None:  # noqa: FBT001
        """A transaction adds rows, in its order."""
        free = [key for key in keys if key not in self.locked]
        if free:
            self.do(self._end(self.do(self._add(free)), commits=commits))

    @rule(target=opened, keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3))
    def begin(self, keys: list[bytes]) -> Any:
        """A transaction adds rows and stays; nobody else adds any about what it has locked."""
        if self.locked.intersection(keys) or len(self.open) == 2:
            return multiple()
        return self.do(self._add(keys))

    @rule(one=consumes(opened), commits=COMMITS)
    def end(self, one: Opened, commits: bool) -> None:  # noqa: FBT001
        self.do(self._end(one, commits=commits))

    @rule(relay=st.sampled_from(RELAYS))
    def kill(self, relay: str) -> None:
        if self._alive(relay):
            self.do(_stop(self.broker.relays[relay]))

    @rule(
        relays=st.sets(st.sampled_from(RELAYS), min_size=1),
        fates=st.lists(st.sampled_from([*Fate, Fate.TAKEN, *SURVIVED]), min_size=1, max_size=8),
    )
    def relay(self, relays: set[str], fates: list[Fate]) -> None:
        """Relays begin or go on, and work until each of *fates* was met, or nothing is left."""
        self.broker.fates[:] = fates
        for relay in relays:
            self._start(relay)
        self.do(eventually(self._at_rest))
        self.broker.fates.clear()

    @invariant()
    def nothing_is_overtaken_and_nothing_appears_that_was_not_committed(self) -> None:
        for key, values in self.broker.log.items():
            seen = list(dict.fromkeys(values))
            assert seen == self.committed[key][: len(seen)]

    def teardown(self) -> None:
        """Once everything can be sent, everything is, and the table is empty."""
        for one in list(self.open):
            self.do(self._end(one, commits=False))
        self.broker.fates.clear()
        self._start(RELAYS[0])
        try:
            self.do(eventually(self._is_empty))
        finally:
            for relay in RELAYS:
                self.kill(relay)
        self.nothing_is_overtaken_and_nothing_appears_that_was_not_committed()
        for key, values in self.committed.items():
            assert {*self.broker.log[key]} == {*values}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def locked(self) -> set[bytes]:
        return {key for each in self.open for key, _ in each.added}

    def _start(self, relay: str) -> None:
        if self._alive(relay):
            return
        own = Relay(
            database=self.database_settings,
            schema=SCHEMA,
            kafka=self.kafka_settings,
            client_id=relay,
        )
        self.broker.relays[relay] = self.do(_begin(own))

    def _alive(self, relay: str) -> bool:
        return relay in self.broker.relays and not self.broker.relays[relay].done()

    async def _add(self, keys: list[bytes]) -> Opened:
        added = [(key, self.count + n) for n, key in enumerate(keys)]
        self.count += len(keys)
        stack = AsyncExitStack()
        tx = await stack.enter_async_context(self.database.transaction())
        records = [codec.Record(TOPIC, key, b"%d" % value) for key, value in added]
        await Outbox(source="test").add(tx, *records)
        self.open.append(Opened(added, tx, stack))
        return self.open[-1]

    async def _end(self, one: Opened, *, commits: bool) -> None:
        self.open.remove(one)
        if not commits:
            await one.tx.execute("rollback")
        await one.stack.aclose()
        for key, value in one.added if commits else ():
            self.committed[key].append(value)

    async def _at_rest(self) -> bool:
        if not self.broker.fates or not any(map(self._alive, RELAYS)):
            return True
        return await self._is_empty()

    async def _is_empty(self) -> bool:
        async with self.database.transaction() as tx:
            return (await tx.execute("select from outbox limit 1")).rowcount == 0

    async def _execute(self, statement: str) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(statement)


async def _begin(relay: Relay) -> "asyncio.Task[None]":
    return asyncio.create_task(relay.run())


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for milliseconds where a relay waits for seconds, so that there is time for examples."""
    for name in ("relay._IDLE_S", "relay._FIRST_PAUSE_S", "stopped._AGAIN_S"):
        monkeypatch.setattr(f"docyard_common.outbox.{name}", 0.03)
    monkeypatch.setattr("docyard_common.outbox.stopped._RECORD_AGAIN_S", 0.06)
    monkeypatch.setattr("docyard_common.kafka.patient._GATHER_S", 0.005)


@pytest.mark.usefixtures("impatient")
def test_the_outbox_keeps_its_promises_in_any_order(
    database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A transaction that stays open over many steps may idle for longer than a service's.
    patient = database_settings.model_copy(update={"idle_transaction_s": 600, "transaction_s": 600})
    with asyncio.Runner() as runner:
        database = Database(patient, schema=SCHEMA, application_name="test")
        runner.run(database.open())

        class Machine(OutboxMachine):
            pass

        def producer(_settings: KafkaSettings, *, client_id: str) -> Producer:
            return Producer(Machine.broker, client_id.removesuffix("-relay"), database)

        monkeypatch.setattr("docyard_common.outbox.relay.reliable_producer", producer)
        Machine.database, Machine.runner = database, runner
        Machine.database_settings = database_settings
        Machine.kafka_settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", topic_prefix="t")
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=45,
                stateful_step_count=30,
                # Servers keep their own time: a failure is told as it was, not tried again.
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())
