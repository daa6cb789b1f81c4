"""Reads what the store tells of itself: bucket notifications as AWS and MinIO write them."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

from pydantic_core import from_json

from docyard_common.artifacts import PRESIGNED
from docyard_common.kafka.received import ReceivedRecord
from ingest.uploads.arrivals import Arrivals

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 4
"""Each reads a whole object through a hash."""


class StoreEvents:
    """Applies batches of the topic `storage.events`."""

    def __init__(self, *, arrivals: Arrivals, bucket: str) -> None:
        self._arrivals = arrivals
        self._bucket = bucket

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Finish the uploads whose objects were created; a redelivery changes nothing.

        Records that can not be read are logged and passed over: the sweep finds what they told of.
        Raises DependencyUnavailableError.
        """
        keys = list(dict.fromkeys(key for record in records for key in self._keys(record)))
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> None:
            async with gate:
                await self._arrivals.arrived(key)

        results = await asyncio.gather(*(one(key) for key in keys), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _keys(self, record: ReceivedRecord) -> Iterator[str]:
        try:
            notification = from_json(record.value or b"")
            told = [_created(entry) for entry in notification["Records"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            place = {"partition": record.partition, "offset": record.offset}
            logger.error("store_event.undecodable", extra=place)  # noqa: TRY400 - no stack helps
            return
        for bucket, key in filter(None, told):
            if bucket == self._bucket and key.startswith(PRESIGNED):
                yield key


def _created(entry: dict[str, Any]) -> tuple[str, str] | None:
    """Return bucket and key of an object that was created; None for other events."""
    # AWS writes ObjectCreated:Put, MinIO s3:ObjectCreated:Put.
    if "ObjectCreated:" not in entry["eventName"]:
        return None
    told = entry["s3"]
    return told["bucket"]["name"], unquote_plus(told["object"]["key"])
