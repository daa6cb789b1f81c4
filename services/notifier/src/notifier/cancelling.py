"""Asks the processor to stop working on a document."""

from docyard_common.auth import Principal
from docyard_common.clock import Clock
from docyard_common.database import Database, lock_document
from docyard_common.events import topics
from docyard_common.events.progress import DocumentView
from docyard_common.events.work import CancelRequested
from docyard_common.outbox import Outbox


class Cancelling:
    """Publishes cancel commands through the notifier's own outbox."""

    def __init__(self, *, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock

    async def request(self, view: DocumentView, *, by: Principal) -> None:
        """Commit the command; asking twice does no harm. Raises DependencyUnavailableError.

        A kill -9 after this returned loses nothing: the relay of any replica publishes it.
        """
        command = CancelRequested(
            document_id=view.document_id,
            owner=view.owner,
            requested_by=by.subject,
            requested_at=self._clock.now(),
            generation=max(view.generation, 1),
            result_generation=view.result_generation,
        )
        async with self._database.transaction() as tx:
            await lock_document(tx, view.document_id)
            await self._outbox.publish(tx, topics.COMMANDS, command)
