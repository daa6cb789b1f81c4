"""How bytes become documents: the desk of all uploads, folder jobs, what is found inside."""

from fastapi import APIRouter

from docyard_common.storage import S3PutUrls
from ingest.api.links import LinkMaker
from ingest.api.presign import PresignRoutes
from ingest.api.store_webhook import StoreWebhookRoutes
from ingest.app.servers import Servers
from ingest.chat.jobs import ChatJobs
from ingest.children import Children
from ingest.doors import Doors
from ingest.limits.admission import Admission
from ingest.settings import IngestSettings
from ingest.store_events import StoreEvents
from ingest.sync.documents import DocumentMaker
from ingest.sync.wiring import FolderSync
from ingest.uploads.acceptance import Acceptor
from ingest.uploads.arrivals import Arrivals
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.hash_ahead import HashAhead
from ingest.uploads.presigned import Presigner
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.slots import UploadSlots
from ingest.uploads.tus import WholeUploads


class Uploading:
    """All ways in, over one desk and one acceptor."""

    def __init__(self, settings: IngestSettings, servers: Servers, *, admission: Admission) -> None:
        self._settings = settings
        self._servers = servers
        self._admission = admission
        self._acceptor = Acceptor(
            database=servers.database, outbox=servers.outbox, admission=admission
        )
        self.desk = UploadDesk(
            database=servers.database,
            store=servers.store,
            clock=servers.clock,
            admission=admission,
            limits=settings.limits,
            settings=settings.uploads,
            slots=UploadSlots(settings.uploads),
            hash_ahead=HashAhead(max_waiting_bytes=settings.uploads.hash_ahead_bytes),
        )
        self._sessions = UploadSessions(self.desk)
        self._completer = Completer(
            desk=self.desk, sessions=self._sessions, acceptor=self._acceptor
        )
        self.arrivals = Arrivals(
            desk=self.desk,
            completer=self._completer,
            after_s=settings.store_events.arrivals_after_s,
        )
        self.folders = FolderSync(
            settings,
            database=servers.database,
            documents=self._document_maker(),
            open_bucket=servers.store.in_bucket,
            clock=servers.clock,
        )

    def doors(self, links: LinkMaker, *, chat_jobs: ChatJobs) -> list[APIRouter]:
        """Return the routes that take bytes."""
        return Doors(
            self._settings,
            desk=self.desk,
            sessions=self._sessions,
            acceptor=self._acceptor,
            completer=self._completer,
            chat_jobs=chat_jobs,
        ).routers(links)

    def presigned(self, links: LinkMaker) -> APIRouter:
        """Return the route whose bytes go straight to the store."""
        urls = S3PutUrls(self._settings.object_store)
        return PresignRoutes(
            desk=self.desk,
            sessions=self._sessions,
            presigner=Presigner(urls=urls, clock=self._servers.clock),
            links=links,
        ).router()

    def store_webhook(self) -> APIRouter:
        return StoreWebhookRoutes(
            database=self._servers.database,
            outbox=self._servers.outbox,
            clock=self._servers.clock,
            settings=self._settings.store_events,
        ).router()

    def store_events(self) -> StoreEvents:
        return StoreEvents(arrivals=self.arrivals, bucket=self._settings.object_store.bucket)

    def whole_uploads(self) -> WholeUploads:
        return WholeUploads(database=self._servers.database, completer=self._completer)

    def children(self) -> Children:
        servers = self._servers
        return Children(
            database=servers.database,
            store=servers.store,
            acceptor=self._acceptor,
            admission=self._admission,
            outbox=servers.outbox,
            clock=servers.clock,
        )

    def _document_maker(self) -> DocumentMaker:
        return DocumentMaker(
            database=self._servers.database,
            store=self._servers.store,
            acceptor=self._acceptor,
            admission=self._admission,
            clock=self._servers.clock,
        )
