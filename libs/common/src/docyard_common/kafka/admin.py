"""Creates the declared topics and checks that what is there will do."""

import asyncio
import logging
import time
from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.topics import Topic, declared
from docyard_common.settings import KafkaSettings

logger = logging.getLogger(__name__)

_NO_ERROR = 0
_ALREADY_EXISTS = 36  # TOPIC_ALREADY_EXISTS of the Kafka protocol
_PATIENCE_S = 130.0
"""A broker may take two minutes to start, on a machine that starts all the rest as well."""
_PAUSE_S = 0.3


async def ensure_topics(settings: KafkaSettings, topics: Iterable[Topic] | None = None) -> None:
    """Create the topics that are missing; idempotent, and safe from several replicas at once.

    Waits two minutes for the brokers, then raises DependencyUnavailableError. An existing
    topic with fewer partitions than declared is left as it is: adding some would move keys.
    """
    wanted = list(declared() if topics is None else topics)
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            await _knock(settings)
            missing = await _create(settings, wanted)
        except (KafkaError, OSError) as error:
            missing = [repr(error)]
        if not missing:
            return
        if time.monotonic() > deadline:
            raise DependencyUnavailableError("kafka", f"topics are missing: {missing[:3]}")
        await asyncio.sleep(_PAUSE_S)


async def _knock(settings: KafkaSettings) -> None:
    """Raise OSError unless a broker listens: the client logs an error for each that does not."""
    for place, server in enumerate(settings.servers, start=1):
        host, _, port = server.rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except OSError:
            if place == len(settings.servers):
                raise
        else:
            writer.close()
            return


async def _create(settings: KafkaSettings, topics: list[Topic]) -> list[str]:
    """Ask for all *topics*; return the names of those that are not there yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.servers, request_timeout_ms=10_000)
    try:
        await admin.start()
        present = set(await admin.list_topics())
        lacking = [t for t in topics if _name(settings, t) not in present]
        if not lacking:
            return []
        answer = await admin.create_topics([_new_topic(settings, topic) for topic in lacking])
        # The client does not raise for a topic that the broker refused: the codes say so.
        refused = [e for e in answer.topic_errors if e[1] not in (_NO_ERROR, _ALREADY_EXISTS)]
        for error in refused:
            logger.warning("kafka.topic_refused", extra={"topic": error[0], "code": error[1]})
        present = set(await admin.list_topics())
        return [name for t in topics if (name := _name(settings, t)) not in present]
    finally:
        await admin.close()


def _name(settings: KafkaSettings, topic: Topic) -> str:
    return f"{settings.topic_prefix}.{topic.name}"


def _new_topic(settings: KafkaSettings, topic: Topic) -> NewTopic:
    return NewTopic(
        _name(settings, topic),
        num_partitions=settings.partitions,
        replication_factor=settings.replication_factor,
        topic_configs=topic.configs,
    )
