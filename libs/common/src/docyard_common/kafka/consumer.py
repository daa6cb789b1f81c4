"""The one shape of every consumer: take a batch, apply it in one transaction, acknowledge.

Stock FastStream batch subscribers. A batch handler runs strictly one after the other and offsets
are committed only after it returns, so a kill -9 anywhere redelivers the batch: *apply* must be
idempotent. See `docs/decisions/` for the subscriber options and what the defaults lose.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import ConsumerRecord
from aiokafka.errors import IllegalStateError
from faststream import AckPolicy
from faststream.exceptions import NackMessage
from faststream.kafka.message import KafkaAckableMessage, KafkaMessage

from docyard_common.errors import DependencyUnavailableError, RetryableError
from docyard_common.kafka.header_names import accept_any_header_name
from docyard_common.kafka.lag import CountingListener, Lag
from docyard_common.kafka.patient import PatientBroker
from docyard_common.kafka.received import ReceivedRecord, received
from docyard_common.observability import metrics
from docyard_common.settings import KafkaSettings

logger = logging.getLogger(__name__)

Apply: TypeAlias = Callable[[Sequence[ReceivedRecord]], Awaitable[None]]
Reject: TypeAlias = Callable[[ReceivedRecord, Exception], Awaitable[None]]

_PATIENCE_S = 60.0
"""A batch is given back after this long, well inside `max.poll.interval.ms` (300 s)."""
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.1, 5.0
_ROOM_PAUSE_S = 0.2
_FETCH_WAIT_MS = 500
_LINGER_BYTES = 64 * 1024
_MEASURE_S = 5.0
_SILENCE_S = 30.0
"""A consumer whose fetches have not come back for this long is not alive."""


class BackpressureError(RetryableError):
    """There is no room for the batch now: it is offered again shortly."""


@dataclass
class _Subscription:
    """One subscriber: how its batches are applied, and whether one is being applied."""

    group: str
    apply: Apply
    reject: Reject
    lag: Lag
    busy: bool = False


async def log_and_skip(record: ReceivedRecord, error: Exception) -> None:
    """Reject a record that carries no work: a line in the log, and the next one goes on."""
    logger.error(
        "record.rejected",
        extra={
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "error": repr(error),
        },
    )


class BatchConsumer:
    """The subscribers of one process, started and stopped together."""

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        accept_any_header_name()
        self._settings = settings
        self._broker = PatientBroker(
            settings.servers,
            client_id=client_id,
            consumer_only=True,
            # The handler is given the batch as it is: nothing to inject, nothing to validate.
            apply_types=False,
            allow_auto_create_topics=False,
            metadata_max_age_ms=10_000,
            request_timeout_ms=10_000,
            graceful_timeout=5.0,
            logger=logging.getLogger("docyard_common.kafka.faststream"),
            # It has two lines to say about every batch.
            log_level=logging.DEBUG,
        )
        self._subscribers: list[tuple[_Subscription, Any]] = []
        self._started = False
        self._measuring: asyncio.Task[None] | None = None

    def subscribe(
        self,
        *topics: str,
        group: str,
        apply: Apply,
        reject: Reject = log_and_skip,
        max_records: int = 200,
        linger_ms: int = 0,
    ) -> None:
        """Let *apply* have every record of *topics* (without prefix), in batches.

        *apply* raises DependencyUnavailableError to be called again with the same batch. For
        anything else that it raises, the batch is applied record by record, and those that fail
        alone are given to *reject*: one poison record delays nobody. Records may be held back for
        *linger_ms* (0-500) to come in larger batches: less work for all where nobody waits.
        """
        prefix = self._settings.topic_prefix
        subscription = _Subscription(group, apply, reject, Lag(group, topics, prefix=prefix))

        async def parse(batch: Sequence[ConsumerRecord[Any, Any]]) -> KafkaAckableMessage:
            # The default parser decodes headers and drops the record when that fails.
            return KafkaAckableMessage(
                body=b"",
                headers={},
                message_id=str(batch[0].offset),
                correlation_id=None,
                raw_message=tuple(batch),
                consumer=subscriber.consumer,
            )

        async def decode(message: KafkaMessage) -> tuple[ConsumerRecord[Any, Any], ...]:
            batch: tuple[ConsumerRecord[Any, Any], ...] = message.raw_message  # by the parser
            return batch

        subscriber = self._broker.subscriber(
            *(f"{prefix}.{topic}" for topic in topics),
            group_id=f"{prefix}.{group}",
            batch=True,
            max_records=max_records,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            no_reply=True,
            listener=CountingListener(group),
            parser=parse,
            decoder=decode,
            fetch_min_bytes=_LINGER_BYTES if linger_ms else 1,
            fetch_max_wait_ms=linger_ms or _FETCH_WAIT_MS,
            session_timeout_ms=self._settings.session_timeout_ms,
            heartbeat_interval_ms=self._settings.heartbeat_interval_ms,
        )

        async def handle(batch: tuple[ConsumerRecord[Any, Any], ...]) -> None:
            await self._handle(subscription, [received(record, prefix) for record in batch])

        subscriber(handle)
        self._subscribers.append((subscription, subscriber))

    async def start(self) -> None:
        """Join the groups; waits until the topics exist."""
        await self._broker.start()
        self._started = True
        self._measuring = asyncio.create_task(self._measure())

    async def stop(self) -> None:
        """Leave the groups; what was not acknowledged is redelivered elsewhere."""
        self._started = False
        if self._measuring is not None:
            self._measuring.cancel()
        await self._broker.stop()

    def is_alive(self) -> bool:
        """Whether every subscriber is applying a batch, or has heard from a broker lately."""
        return self._started and all(
            subscription.busy or _heard_lately(subscriber.consumer)
            for subscription, subscriber in self._subscribers
        )

    async def _measure(self) -> None:
        while True:
            for subscription, subscriber in self._subscribers:
                await subscription.lag.measure(subscriber.consumer)
            await asyncio.sleep(_MEASURE_S)

    async def _handle(self, subscription: _Subscription, batch: Sequence[ReceivedRecord]) -> None:
        subscription.busy = True
        try:
            await self._apply(subscription, batch)
        finally:
            subscription.busy = False
        metrics.CONSUMER_COMMITTED_AT.labels(subscription.group).set_to_current_time()
        for topic, records in Counter(record.topic for record in batch).items():
            metrics.CONSUMED.labels(subscription.group, topic).inc(records)

    async def _apply(self, subscription: _Subscription, batch: Sequence[ReceivedRecord]) -> None:
        try:
            await _patiently(subscription.apply, batch)
        except NackMessage:
            raise
        except Exception:
            logger.exception("batch.failed", extra={"group": subscription.group})
            await self._apply_singly(subscription, batch)

    async def _apply_singly(
        self, subscription: _Subscription, batch: Sequence[ReceivedRecord]
    ) -> None:
        """Find the records that fail alone; the others are applied as if nothing had happened."""
        for record in batch:
            try:
                await _patiently(subscription.apply, [record])
            except NackMessage:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this record's
                metrics.CONSUMER_ERRORS.labels(subscription.group).inc()
                await self._reject(subscription, record, error)

    async def _reject(
        self, subscription: _Subscription, record: ReceivedRecord, error: Exception
    ) -> None:
        async def reject(_: Sequence[ReceivedRecord]) -> None:
            await subscription.reject(record, error)

        await _patiently(reject, [record])


async def _patiently(apply: Apply, batch: Sequence[ReceivedRecord]) -> None:
    """Apply, waiting out a dependency that is away. Raises NackMessage when patience ends."""
    deadline = time.monotonic() + _PATIENCE_S
    pause = _FIRST_PAUSE_S
    while True:
        try:
            return await apply(batch)
        except BackpressureError as error:
            _lose_patience(deadline, error)
            await asyncio.sleep(_ROOM_PAUSE_S)
        except DependencyUnavailableError as error:
            _lose_patience(deadline, error)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter only
            pause = min(pause * 2, _LAST_PAUSE_S)


def _lose_patience(deadline: float, error: Exception) -> None:
    if time.monotonic() > deadline:
        raise NackMessage from error


def _heard_lately(consumer: Any) -> bool:
    """Whether any assigned partition was fetched lately; true while none is assigned."""
    if consumer is None:
        return False
    limit_ms = (time.time() - _SILENCE_S) * 1000
    heard = [_last_fetch(consumer, partition) for partition in consumer.assignment()]
    return not heard or any(at is None or at > limit_ms for at in heard)


def _last_fetch(consumer: Any, partition: Any) -> float | None:
    try:
        at: float | None = consumer.last_poll_timestamp(partition)
    except IllegalStateError:  # revoked between the two calls
        return None
    return at
