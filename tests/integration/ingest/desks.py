"""The core of uploads without its doors, beside a running ingest."""

from tests.integration.ingest.serving import RunningIngest

from docyard_common.clock import Clock, SystemClock
from docyard_common.database import Database
from docyard_common.outbox import Outbox
from ingest.limits.admission import Admission
from ingest.limits.source import LimitSource
from ingest.uploads.acceptance import Acceptor
from ingest.uploads.arrivals import PAGES, Arrivals
from ingest.uploads.completion import Completer
from ingest.uploads.desk import UploadDesk
from ingest.uploads.hash_ahead import HashAhead
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.slots import UploadSlots


def desk_of(ingest: RunningIngest, database: Database, *, clock: Clock | None = None) -> UploadDesk:
    now = clock or SystemClock()
    settings = ingest.settings
    source = LimitSource(database=database, settings=settings.limits)
    return UploadDesk(
        database=database,
        store=ingest.store,
        clock=now,
        admission=Admission(source=source, database=database, clock=now),
        limits=settings.limits,
        settings=settings.uploads,
        slots=UploadSlots(settings.uploads),
        hash_ahead=HashAhead(max_waiting_bytes=settings.uploads.hash_ahead_bytes),
    )


def acceptor_of(desk: UploadDesk) -> Acceptor:
    return Acceptor(database=desk.database, outbox=Outbox(source="test"), admission=desk.admission)


def arrivals_of(desk: UploadDesk, *, pages: int = PAGES) -> Arrivals:
    completer = Completer(desk=desk, sessions=UploadSessions(desk), acceptor=acceptor_of(desk))
    return Arrivals(desk=desk, completer=completer, after_s=60, pages=pages)
