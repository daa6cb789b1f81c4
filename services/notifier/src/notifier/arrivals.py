"""Documents that were accepted a moment ago and may still be on their way here.

A client that has its 202 may ask before Kafka has told us. Unknown and foreign ids are treated
alike, so nobody learns by the delay whether an id exists.
"""

import asyncio
import contextlib
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.events.progress import DocumentView
from notifier.hub import Hub
from notifier.recovery import Recovery
from notifier.settings import StreamSettings
from notifier.updates import Update

_UUID7 = 7


class Arrivals:
    """Finds documents, waiting a little for young ones."""

    def __init__(
        self, *, recovery: Recovery, hub: Hub, settings: StreamSettings, clock: Clock
    ) -> None:
        self._recovery = recovery
        self._hub = hub
        self._settings = settings
        self._clock = clock

    def may_come(self, document_id: UUID) -> bool:
        """Whether an id that is not known is so young that its document may be on its way."""
        if document_id.version != _UUID7:
            return False
        made_at_s = (document_id.int >> 80) / 1000
        return abs(self._clock.now().timestamp() - made_at_s) < self._settings.young_s

    async def find(self, document_id: UUID, *, owner: str) -> DocumentView | None:
        """Return the document's view, or None when it is not there and will not come.

        Raises DependencyUnavailableError.
        """
        arrival = _Arrival(owner)
        self._hub.watch(arrival, [document_id])
        try:
            view = await self._recovery.view(document_id, owner=owner)
            if view is None and self.may_come(document_id):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.patience_s):
                        await arrival.happened.wait()
                view = await self._recovery.view(document_id, owner=owner)
            return view
        finally:
            self._hub.unwatch(arrival, [document_id])


class _Arrival:
    """Waits at the hub for the first word about a document."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.happened = asyncio.Event()

    def push(self, update: Update) -> None:
        del update
        self.happened.set()
