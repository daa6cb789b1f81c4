"""What ingest reads from Kafka, each in a group of its own."""

from docyard_common.events import topics
from docyard_common.kafka.consumer import BatchConsumer
from docyard_common.settings import KafkaSettings
from ingest.app.documents import Documents
from ingest.app.servers import SERVICE, Servers
from ingest.app.uploading import Uploading
from ingest.commands import Commands
from ingest.observing import Observing
from ingest.projector import Projector


def consumer(
    settings: KafkaSettings, servers: Servers, *, documents: Documents, uploading: Uploading
) -> BatchConsumer:
    """Return the subscribers of one process; they join their groups when it is started."""
    projector = Projector(database=servers.database, outbox=servers.outbox, clock=servers.clock)
    found = BatchConsumer(settings, client_id=SERVICE)
    found.subscribe(
        topics.EVENTS,
        topics.PROGRESS,
        group=f"{SERVICE}.projector",
        apply=projector.apply,
    )
    found.subscribe(
        topics.OBSERVATIONS,
        group=f"{SERVICE}.observing",
        apply=Observing(servers.database).apply,
    )
    found.subscribe(
        topics.CHILDREN,
        group=f"{SERVICE}.children",
        apply=uploading.children().apply,
    )
    found.subscribe(
        topics.COMMANDS,
        group=f"{SERVICE}.commands",
        apply=Commands(documents.reprocessing, documents.lifecycle).apply,
    )
    found.subscribe(
        topics.STORAGE_EVENTS,
        group=f"{SERVICE}.store-events",
        apply=uploading.store_events().apply,
        max_records=20,
    )
    return found
