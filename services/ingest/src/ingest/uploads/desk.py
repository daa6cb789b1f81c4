"""What every way in works with."""

from dataclasses import dataclass

from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.storage import ObjectStore
from ingest.limits.admission import Admission
from ingest.settings import LimitSettings, UploadSettings
from ingest.uploads.hash_ahead import HashAhead
from ingest.uploads.leftovers import Leftovers
from ingest.uploads.slots import UploadSlots


@dataclass(frozen=True)
class UploadDesk:
    """One for all doors of a process: what bounds memory is shared."""

    database: Database
    store: ObjectStore
    clock: Clock
    admission: Admission
    limits: LimitSettings
    settings: UploadSettings
    slots: UploadSlots
    hash_ahead: HashAhead

    @property
    def leftovers(self) -> Leftovers:
        """What takes bytes away that nobody needs."""
        return Leftovers(database=self.database, store=self.store)
