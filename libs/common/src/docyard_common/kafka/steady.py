"""Keeps a service's consumers running, whatever Kafka does meanwhile.

For services that have something to do without Kafka: it may be away when they start, and stay away.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError

from docyard_common.errors import DependencyUnavailableError
from docyard_common.kafka.consumer import BatchConsumer

logger = logging.getLogger(__name__)

_PAUSE_S: Final = 2.0
_PATIENCE_S: Final = 60.0
"""A consumer that was not alive for this long is replaced: its inner tasks may have died."""


class SteadyConsumer:
    """Starts a consumer, watches it, and replaces one that has died."""

    def __init__(
        self, *, prepare: Callable[[], Awaitable[None]], make: Callable[[], BatchConsumer]
    ) -> None:
        """*prepare* makes the topics exist; *make* returns a fresh consumer with its handlers."""
        self._prepare = prepare
        self._make = make
        self._consumer: BatchConsumer | None = None

    async def run(self) -> None:
        """Consume until cancelled; what was not acknowledged comes again."""
        while True:
            try:
                await self._prepare()
                await self._consume()
            except (DependencyUnavailableError, KafkaError, OSError) as error:
                logger.warning("consumer.waiting", extra={"error": str(error)})
            await asyncio.sleep(_PAUSE_S)

    async def check(self) -> None:
        """Raise DependencyUnavailableError while nothing is consumed: a health check."""
        if self._consumer is None or not self._consumer.is_alive():
            raise DependencyUnavailableError("kafka", "the consumer does not hear from it")

    async def _consume(self) -> None:
        consumer = self._make()
        try:
            await consumer.start()
            self._consumer = consumer
            await _until_dead(consumer)
            logger.error("consumer.replaced")
        finally:
            self._consumer = None
            await consumer.stop()


async def _until_dead(consumer: BatchConsumer) -> None:
    alive_at = time.monotonic()
    while time.monotonic() - alive_at < _PATIENCE_S:
        if consumer.is_alive():
            alive_at = time.monotonic()
        await asyncio.sleep(_PAUSE_S)
