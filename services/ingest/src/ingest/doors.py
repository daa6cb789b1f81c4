"""The ways in that take bytes: their routes, put together over what all of them share."""

from fastapi import APIRouter

from ingest.api.batch import BatchRoutes
from ingest.api.chat import ChatRoutes
from ingest.api.chunked import ChunkedRoutes
from ingest.api.links import LinkMaker
from ingest.api.tus.routes import TusRoutes
from ingest.api.uploads import UploadRoutes
from ingest.chat.jobs import ChatJobs
from ingest.chat.upload import ChatUpload
from ingest.settings import IngestSettings
from ingest.uploads.acceptance import Acceptor
from ingest.uploads.appending import Appender
from ingest.uploads.batch import BatchUpload
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.forms import FormIntake
from ingest.uploads.intake import FileIntake
from ingest.uploads.joining import Joiner
from ingest.uploads.parts import PartReceiver
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.simple import SimpleUpload
from ingest.uploads.transfer import TransferLimits
from ingest.uploads.tus import TusUploads


class Doors:
    """Makes the routes; what bounds memory is the desk's, and shared by all of them."""

    def __init__(
        self,
        settings: IngestSettings,
        *,
        desk: UploadDesk,
        sessions: UploadSessions,
        acceptor: Acceptor,
        completer: Completer,
        chat_jobs: ChatJobs,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._sessions = sessions
        self._acceptor = acceptor
        self._completer = completer
        self._chat_jobs = chat_jobs

    def routers(self, links: LinkMaker) -> list[APIRouter]:
        forms, jobs = self._forms(), self._chat_jobs
        return [
            UploadRoutes(simple=SimpleUpload(forms), links=links).router(),
            self._chunked(links).router(),
            self._tus().router(),
            BatchRoutes(batch=BatchUpload(forms), links=links).router(),
            ChatRoutes(upload=ChatUpload(forms, jobs=jobs), jobs=jobs).router(),
        ]

    def _forms(self) -> FormIntake:
        desk, uploads = self._desk, self._settings.uploads
        files = FileIntake(
            store=desk.store,
            database=desk.database,
            acceptor=self._acceptor,
            clock=desk.clock,
            transfers=TransferLimits(
                uploads.part_bytes, uploads.parts_in_flight, desk.slots.stores
            ),
        )
        return FormIntake(
            files=files,
            admission=desk.admission,
            slots=desk.slots,
            limits=self._settings.limits,
            uploads=uploads,
        )

    def _chunked(self, links: LinkMaker) -> ChunkedRoutes:
        return ChunkedRoutes(
            desk=self._desk,
            sessions=self._sessions,
            parts=PartReceiver(desk=self._desk, sessions=self._sessions),
            completer=self._completer,
            links=links,
        )

    def _tus(self) -> TusRoutes:
        desk, sessions, completer = self._desk, self._sessions, self._completer
        appender = Appender(desk=desk, sessions=sessions)
        uploads = TusUploads(desk=desk, sessions=sessions, appender=appender, completer=completer)
        joiner = Joiner(
            desk=desk, sessions=sessions, appender=appender, completer=completer, door=uploads
        )
        return TusRoutes(uploads=uploads, joiner=joiner, limits=self._settings.limits)
