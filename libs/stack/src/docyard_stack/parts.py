"""Makes the three servers of a stack out of its record."""

from dataclasses import dataclass
from pathlib import Path

from docyard_stack import object_store
from docyard_stack.kafka import broker
from docyard_stack.kafka.broker import Kafka
from docyard_stack.kafka.jars import DownloadProgress, JarCache, cache_folder
from docyard_stack.object_store import ObjectStore, ObjectStoreKeys, StoreListener
from docyard_stack.postgres import Postgres
from docyard_stack.record import StackRecord


@dataclass(frozen=True)
class ServerParts:
    """The servers, with the ports and keys that *record* holds; nothing is started yet."""

    postgres: Postgres
    object_store: ObjectStore
    kafka: Kafka

    @classmethod
    def of(
        cls,
        folder: Path,
        record: StackRecord,
        progress: DownloadProgress,
        *,
        listener: StoreListener | None = None,
    ) -> "ServerParts":
        """Build them for the stack in *folder*; ports that are missing are chosen and recorded.

        The store tells *listener* of what clients put.
        """
        keys = record.keys
        (database_port,) = record.ports_of(Postgres.name, 1)
        return cls(
            postgres=Postgres(folder, port=database_port, password=keys.database_password),
            object_store=ObjectStore(
                folder,
                ports=record.ports_of(ObjectStore.name, object_store.PORTS),
                keys=ObjectStoreKeys(
                    access_key=keys.access_key,
                    secret_key=keys.secret_key,
                    signing_key=keys.store_signing_key,
                ),
                listener=listener,
            ),
            kafka=Kafka(
                folder,
                ports=record.ports_of(Kafka.name, broker.PORTS),
                jars=JarCache(cache_folder()),
                progress=progress,
            ),
        )
