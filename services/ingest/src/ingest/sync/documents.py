"""Makes a document of a file: once for each content of each path, whoever tries and how often.

An unchanged file never becomes a second document; changed content is a new document, which names
the file's path as the earlier one does. Paths count, so that two files of the same content are two.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Final

from docyard_common.artifacts import original_key
from docyard_common.clock import Clock
from docyard_common.database import Database
from docyard_common.errors import ObjectMissingError
from docyard_common.media_types import HEAD_BYTES, MediaType, sniff
from docyard_common.observability import metrics
from docyard_common.storage import ObjectStore
from ingest.document import NewDocument
from ingest.errors import RefusedError
from ingest.folder_job import FolderJob
from ingest.limits.admission import Admission
from ingest.sync.content import Content
from ingest.sync.folders import OpenFile
from ingest.sync.sending import Target
from ingest.tables import sync_documents
from ingest.tables.sync_documents import ClaimedDocument
from ingest.uploads.acceptance import Accepted, Acceptor
from ingest.uploads.fields import clean_filename

_MODE: Final = "folder"
_TRUSTED_FOR: Final = timedelta(minutes=20)
"""An original without a row may fall to the sweep: one that is older is put anew."""


@dataclass(frozen=True)
class PlannedDocument:
    """A file that will be this document, unless it is already."""

    claimed: ClaimedDocument
    kind: MediaType
    target: Target | None  # where its bytes must still go


class DocumentMaker:
    """Judges, claims and accepts documents."""

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        acceptor: Acceptor,
        admission: Admission,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._acceptor = acceptor
        self._clock = clock
        self._admission = admission

    def judge(self, path: str, file: OpenFile) -> MediaType:
        """Tell the type by name and first bytes; it blocks.

        Raises FieldInvalidError for a name of which nothing is left, or the errors of
        `media_types.sniff`.
        """
        return sniff(file.read(0, HEAD_BYTES), filename_of(path), None)

    async def plan(
        self, job: FolderJob, path: str, kind: MediaType, content: Content
    ) -> PlannedDocument:
        """Find out what is left to do for this content.

        Raises FileTooLargeError or a quota's error for a document that its owner may not have, or
        DependencyUnavailableError.
        """
        source = hashlib.sha256(f"{job.order.source_folder}/{path}".encode()).hexdigest()
        async with self._database.transaction() as tx:
            claimed = await sync_documents.claim(
                tx, owner=job.order.owner, source=source, sha256=content.sha256
            )
        if not claimed.accepted:
            await self._admission.check(job.order.owner, size_bytes=content.size_bytes)
        done = claimed.accepted or (not claimed.is_new and await self._lies(claimed, content))
        key = original_key(claimed.document_id)
        target = None if done else Target(self._store, key, kind.value)
        return PlannedDocument(claimed, kind, target)

    async def accept(
        self, job: FolderJob, path: str, planned: PlannedDocument, content: Content
    ) -> None:
        """Accept the document, whose bytes are stored. Idempotent.

        Raises RefusedError, then its bytes are gone again, or DependencyUnavailableError.
        """
        if planned.claimed.accepted:
            return
        new = NewDocument(
            document_id=planned.claimed.document_id,
            owner=job.order.owner,
            filename=filename_of(path),
            content_type=planned.kind.value,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
            priority=job.order.priority,
            options=job.order.options,
            metadata={"folder_job": {"upload_id": job.upload_id, "path": path}},
            accepted_at=self._clock.now(),
        )
        try:
            accepted = await self._acceptor.accept(new, claim=None)
        except RefusedError:
            await self._store.delete(new.object_key)
            raise
        if isinstance(accepted, Accepted) and accepted.object_key != new.object_key:
            # The owner has these bytes already: one object is enough.
            await self._store.delete(new.object_key)
        metrics.UPLOADS_COMPLETED.labels(_MODE).inc()
        metrics.UPLOAD_SIZE.observe(content.size_bytes)

    async def _lies(self, claimed: ClaimedDocument, content: Content) -> bool:
        """Whether a run that was killed has stored the bytes, and the sweep will leave them."""
        try:
            stat = await self._store.stat(original_key(claimed.document_id))
        except ObjectMissingError:
            return False
        fresh = self._clock.now() - stat.modified_at < _TRUSTED_FOR
        return fresh and (stat.size_bytes, stat.etag) == (content.size_bytes, content.etag)


def filename_of(path: str) -> str:
    return clean_filename(PurePosixPath(path).name)
