"""Plain producers: the careful one of the outbox relay, and the hasty one for progress ticks."""

import asyncio
import contextlib
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from docyard_common.events import codec
from docyard_common.events.envelope import Event
from docyard_common.settings import KafkaSettings

logger = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Above the largest record that any topic takes: the topic's own limit is the one that counts."""

_PAUSE_S = 2.0


def reliable_producer(settings: KafkaSettings, *, client_id: str) -> AIOKafkaProducer:
    """Return an idempotent producer with acks=all; records of a partition keep their order."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.servers,
        client_id=client_id,
        enable_idempotence=True,
        acks="all",
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=10_000,
        metadata_max_age_ms=10_000,
    )


class ProgressPublisher:
    """Publishes ticks without waiting and without a promise: the next one tells what was lost."""

    def __init__(self, settings: KafkaSettings, *, source: str) -> None:
        self._settings = settings
        self._source = source
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Be connected until cancelled; brokers that are away at the start are asked again."""
        while True:
            try:
                await self.start()
                await asyncio.Event().wait()  # the producer finds lost brokers again by itself
            except (KafkaError, OSError) as error:
                logger.warning("progress.waiting", extra={"error": str(error)})
            finally:
                await self.stop()
            await asyncio.sleep(_PAUSE_S)

    async def start(self) -> None:
        """Connect; raises KafkaError when no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.servers,
            client_id=f"{self._source}-progress",
            acks=1,
            request_timeout_ms=5_000,
            metadata_max_age_ms=10_000,
        )
        try:
            await producer.start()
        except BaseException:
            await _end(producer)
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Send what is buffered and leave; ticks are dropped from here on."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _end(producer)

    async def publish(self, topic: str, event: Event) -> None:
        """Hand *event* to the producer's buffer; failures are counted by nobody and harm nobody."""
        if self._producer is None:
            return
        record = codec.encode(event, topic=topic, source=self._source)
        name = f"{self._settings.topic_prefix}.{record.topic}"
        with contextlib.suppress(KafkaError, asyncio.TimeoutError):
            async with asyncio.timeout(1.0):
                sent = await self._producer.send(
                    name, record.value, record.key, headers=list(record.headers)
                )
            sent.add_done_callback(_forget)


async def _end(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError):
        await producer.stop()


def _forget(sent: asyncio.Future[object]) -> None:
    if not sent.cancelled() and (error := sent.exception()):
        logger.debug("progress.lost", extra={"error": type(error).__name__})
