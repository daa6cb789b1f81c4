"""The core of uploads in several requests, put together as the service does."""

from dataclasses import dataclass

from tests.integration.ingest.serving import RunningIngest

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.outbox import Outbox
from ingest.limits.admission import Admission
from ingest.limits.source import LimitSource
from ingest.uploads.acceptance import Acceptor
from ingest.uploads.appending import Appender
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.slots import UploadSlots


@dataclass(frozen=True)
class Core:
    """What doors are made of."""

    desk: UploadDesk
    sessions: UploadSessions
    appender: Appender
    completer: Completer


def core_of(ingest: RunningIngest, database: Database) -> Core:
    source = LimitSource(database=database, settings=ingest.settings.limits)
    admission = Admission(source=source, database=database, clock=SystemClock())
    desk = UploadDesk(
        database=database,
        store=ingest.store,
        clock=SystemClock(),
        admission=admission,
        limits=ingest.settings.limits,
        settings=ingest.settings.uploads,
        slots=UploadSlots(ingest.settings.uploads),
    )
    sessions = UploadSessions(desk)
    acceptor = Acceptor(database=database, outbox=Outbox(source="test"), admission=admission)
    return Core(
        desk=desk,
        sessions=sessions,
        appender=Appender(desk=desk, sessions=sessions),
        completer=Completer(desk=desk, sessions=sessions, acceptor=acceptor),
    )
