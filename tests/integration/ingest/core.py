"""The core of uploads in several requests, put together as the service does."""

from dataclasses import dataclass

from tests.integration.ingest.desks import acceptor_of, desk_of
from tests.integration.ingest.serving import RunningIngest

from docyard_common.database import Database
from ingest.uploads.appending import Appender
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.sessions import UploadSessions


@dataclass(frozen=True)
class Core:
    """What doors are made of."""

    desk: UploadDesk
    sessions: UploadSessions
    appender: Appender
    completer: Completer


def core_of(ingest: RunningIngest, database: Database) -> Core:
    desk = desk_of(ingest, database)
    sessions = UploadSessions(desk)
    return Core(
        desk=desk,
        sessions=sessions,
        appender=Appender(desk=desk, sessions=sessions),
        completer=Completer(desk=desk, sessions=sessions, acceptor=acceptor_of(desk)),
    )
