"""What all runs of folder jobs in one replica share."""

import asyncio
from dataclasses import dataclass

from ingest.settings import SyncSettings
from ingest.sync.destinations import Destinations
from ingest.sync.documents import DocumentMaker
from ingest.sync.sending import Sender
from ingest.sync.threads import FolderThreads


@dataclass(frozen=True)
class SyncParts:
    """Made once, by the wiring."""

    destinations: Destinations
    documents: DocumentMaker
    sender: Sender
    threads: FolderThreads
    pool: asyncio.Semaphore
    """A place for each file that is being read and sent."""
    settings: SyncSettings
