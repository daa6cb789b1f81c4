"""What becomes of documents: how they are read, processed again, kept, searched and deleted."""

from fastapi import APIRouter

from ingest.api.artifacts import ArtifactRoutes
from ingest.api.documents import DocumentRoutes
from ingest.api.graph import GraphRoutes
from ingest.api.links import LinkMaker
from ingest.api.operating import OperatorRoutes
from ingest.api.processing import ProcessingRoutes
from ingest.api.reprocessing import ReprocessingRoutes
from ingest.api.retention import RetentionRoutes
from ingest.api.search import SearchRoutes
from ingest.api.short import ShortRoutes
from ingest.app.servers import Servers
from ingest.chat.assembly import assemble
from ingest.documents.artifact_reader import ArtifactReader
from ingest.documents.bulk import BulkOperations
from ingest.documents.lifecycle import Lifecycle
from ingest.documents.queueing import Queueing
from ingest.documents.reconciling import Reconciler
from ingest.documents.reprocessing import Reprocessing
from ingest.documents.retention import Retention
from ingest.limits.admission import Admission
from ingest.settings import IngestSettings


class Documents:
    """Everything that is done with documents that are there."""

    def __init__(self, settings: IngestSettings, servers: Servers) -> None:
        self._settings = settings
        self._servers = servers
        database, store, clock = servers.database, servers.store, servers.clock
        self._reader = ArtifactReader(store)
        self.lifecycle = Lifecycle(
            database=database, store=store, outbox=servers.outbox, clock=clock
        )
        self.reprocessing = Reprocessing(
            database=database, outbox=servers.outbox, reader=self._reader, clock=clock
        )
        self.reconciler = Reconciler(database=database, outbox=servers.outbox, clock=clock)
        self.retention = Retention(
            database=database,
            store=store,
            lifecycle=self.lifecycle,
            clock=clock,
            settings=settings.retention,
        )
        self.operations = BulkOperations(
            database=database,
            lifecycle=self.lifecycle,
            reprocessing=self.reprocessing,
            clock=clock,
        )
        self.chat = assemble(
            settings.chat,
            database=database,
            lifecycle=self.lifecycle,
            reader=self._reader,
            searcher=servers.searcher(),
            clock=clock,
        )
        self._queueing = Queueing(database=database, clock=clock)

    def working(self, links: LinkMaker) -> list[APIRouter]:
        """Return the routes by which owners and operators steer the work."""
        return [
            ReprocessingRoutes(
                reprocessing=self.reprocessing, operations=self.operations, links=links
            ).router(),
            RetentionRoutes(retention=self.retention).router(),
            OperatorRoutes(reconciler=self.reconciler).router(),
            ProcessingRoutes(
                queueing=self._queueing,
                lifecycle=self.lifecycle,
                database=self._servers.database,
            ).router(),
        ]

    def reading(self, links: LinkMaker, *, admission: Admission) -> list[APIRouter]:
        """Return the routes by which owners look at their documents."""
        servers, lifecycle = self._servers, self.lifecycle
        return [
            DocumentRoutes(
                database=servers.database,
                lifecycle=lifecycle,
                queueing=self._queueing,
                links=links,
            ).router(),
            ArtifactRoutes(lifecycle=lifecycle, reader=self._reader, store=servers.store).router(),
            SearchRoutes(searcher=servers.searcher(), lifecycle=lifecycle).router(),
            GraphRoutes(servers.graph()).router(),
            ShortRoutes(
                lifecycle=lifecycle,
                queueing=self._queueing,
                admission=admission,
                limits=self._settings.limits,
                clock=servers.clock,
            ).router(),
        ]
