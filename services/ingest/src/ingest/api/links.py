"""Addresses of a document's resources."""

from typing import Final
from uuid import UUID

from ingest.api.models import Links
from ingest.settings import PublicSettings

API: Final = "/api/v1"


class LinkMaker:
    """Makes links; those of the notifier are absolute when its address is known."""

    def __init__(self, settings: PublicSettings) -> None:
        self._notifier = settings.notifier_url.rstrip("/")
        self._websockets = self._notifier.replace("http", "ws", 1)

    def of(self, document_id: UUID) -> Links:
        document = f"{API}/documents/{document_id}"
        return Links(
            self=document,
            status=f"/upload-status/{document_id}",
            events=f"{document}/events",
            children=f"{document}/children",
            stream=f"{self._notifier}{document}/events/stream",
            websocket=f"{self._websockets}{API}/ws/progress",
        )
