"""Logs as JSON lines on stdout: an event name, fields, and the context bound at the edge.

Code logs through the standard library: `logger.info("document.processed", extra={…})`. What is
bound with `bind` (request id, document, topic, partition, offset) is in every line of that task.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from docyard_common.observability.tracing import current_ids
from docyard_common.settings import LogSettings

_NOISY: Final = ("aiokafka", "faststream", "urllib3", "alembic", "opentelemetry", "httpx")


def configure(service: str, settings: LogSettings) -> None:
    """Send all logging of this process to stdout as JSON; calling it again starts over."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(service))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


@contextmanager
def bind(**fields: str | int) -> Iterator[None]:
    """Put *fields* into every log line of this task until the block ends."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def _formatter(service: str) -> logging.Formatter:
    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            add_service,
            _add_trace,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    ids = current_ids()
    if ids is not None:
        event["trace_id"], event["span_id"] = ids
    return event
