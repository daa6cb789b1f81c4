"""Where a SeaweedFS store tells of its objects; what it tells goes on as a bucket notification.

Its S3 API can not notify Kafka, its filer can call a webhook. A call that gets lost is no harm:
the sweep looks for presigned uploads by itself.
"""

import hmac
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote_plus

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.events import topics
from docyard_common.events.codec import Record
from docyard_common.http import Problem
from docyard_common.outbox import Outbox
from ingest.settings import StoreEventSettings

PATH: Final = "/internal/store-events"
_BUCKETS: Final = "/buckets/"


class FilerEvent(BaseModel):
    """A call of SeaweedFS's webhook, as far as it is read here."""

    model_config = ConfigDict(extra="ignore")

    event_type: str
    key: str  # path in the filer: /buckets/<bucket>/<key>
    message: dict[str, Any] = {}


class StoreWebhookRoutes:
    """One route, open to the store alone."""

    def __init__(
        self, *, database: Database, outbox: Outbox, clock: Clock, settings: StoreEventSettings
    ) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._token = settings.token.get_secret_value().encode()

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        router.add_api_route(PATH, self.told, methods=["POST"], status_code=204)
        return router

    async def told(
        self, event: FilerEvent, authorization: Annotated[str, Header()] = ""
    ) -> Response:
        """Put the event on `storage.events` by the outbox: 204 means that it can not be lost."""
        given = authorization.removeprefix("Bearer ").encode()
        if not self._token or not hmac.compare_digest(given, self._token):
            raise Problem(401, "TOKEN_INVALID", "Only the store may tell of its objects.")
        if (record := notification(event, at=self._clock.now())) is not None:
            async with self._database.transaction() as tx:
                await self._outbox.add(tx, record)
        return Response(status_code=204)


def notification(event: FilerEvent, *, at: datetime) -> Record | None:
    """Return *event* in the record format of AWS; None for what is no created object."""
    bucket, _, key = event.key.removeprefix(_BUCKETS).partition("/")
    entry = event.message.get("new_entry")
    if not event.key.startswith(_BUCKETS) or not key or not isinstance(entry, dict):
        return None
    attributes = entry.get("attributes")
    size = attributes.get("file_size", 0) if isinstance(attributes, dict) else 0
    told = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": at.isoformat(timespec="milliseconds"),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket},
            "object": {"key": quote_plus(key, safe="/"), "size": size},
        },
    }
    headers = (("content-type", b"application/json"),)
    value = to_json({"Records": [told]})
    return Record(topics.STORAGE_EVENTS, f"{bucket}/{key}".encode(), value, headers)
