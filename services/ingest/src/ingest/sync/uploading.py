"""One file of a job, from its turn to its outcome."""

import logging
import time
from dataclasses import replace
from typing import Final

from docyard_common.errors import (
    DependencyUnavailableError,
    ObjectMissingError,
    PermanentError,
)
from docyard_common.observability import metrics
from docyard_common.storage import ObjectStore, PartsRefusedError
from ingest.errors import RefusedError
from ingest.folder_job import (
    Failed,
    FileFailure,
    FileOutcome,
    FileWork,
    FolderJob,
    Postponed,
    Signature,
    Uploaded,
)
from ingest.sync.content import Content, FileChangedError, hash_whole
from ingest.sync.documents import PlannedDocument
from ingest.sync.folders import FileRefusedError, FolderLostError, OpenFile, OpenFolder
from ingest.sync.parts import SyncParts
from ingest.sync.sending import Target, VerificationError

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 3
"""How often a file is sent whose copy is not what was sent, or that meets a defect of ours."""
_AGAIN_S: Final = 1.0


class FileUploader:
    """Uploads the files of one job. Outcomes are values; nothing is written here but objects."""

    def __init__(
        self, job: FolderJob, folder: OpenFolder, bucket: ObjectStore | None, parts: SyncParts
    ) -> None:
        self._job = job
        self._folder = folder
        self._bucket = bucket
        self._documents = parts.documents
        self._sender = parts.sender
        self._threads = parts.threads
        self._settings = parts.settings
        self.looks_first = False
        """Whether every key is asked for before it is written: something lies there already."""

    async def upload(self, work: FileWork) -> FileOutcome:
        """Bring one file where it belongs.

        Raises FolderLostError or DependencyUnavailableError: then nothing is said about the file,
        and it may be tried again. A kill -9 leaves whole objects, which the
        next run finds, or nothing that anybody sees.
        """
        started = time.perf_counter()
        try:
            return await self._upload(work)
        except FileChangedError as error:
            return self._settling(work, error.signature)
        except (VerificationError, ObjectMissingError, PartsRefusedError):
            return self._again(work, FileFailure.VERIFICATION_FAILED)
        except (FileRefusedError, RefusedError, PermanentError) as error:
            return Failed(work, _code(error))
        except (DependencyUnavailableError, FolderLostError):
            raise
        except Exception:
            logger.exception("sync.file_broke")
            return self._again(work, FileFailure.INTERNAL_ERROR)
        finally:
            metrics.SYNC_FILE_DURATION.observe(time.perf_counter() - started)

    async def _upload(self, work: FileWork) -> FileOutcome:
        parts = work.path.split("/")
        file = await self._threads.run(self._folder.open_file, parts)
        try:
            found = await self._threads.run(file.signature)
            if not found.same_content_as(work.signature):
                raise FileChangedError(found)
            if found.size_bytes > self._settings.max_file_bytes:
                raise FileRefusedError(FileFailure.FILE_TOO_LARGE)
            return await self._bring(work, file, found)
        finally:
            file.close()

    async def _bring(self, work: FileWork, file: OpenFile, found: Signature) -> FileOutcome:
        content, planned = await self._planned(work, file, found)
        targets = [] if planned is None or planned.target is None else [planned.target]
        stored = await self._stored(work, file, found, content)
        if self._bucket is not None and stored is None:
            targets.append(Target(self._bucket, self._key(work)))
        if targets:
            sent = await self._sender.send(file, found, targets)
            if content is not None and sent.sha256 != content.sha256:
                raise FileChangedError(found)
            content = sent
        content = content or stored
        assert content is not None  # noqa: S101 - it was sent, or found to be stored
        if planned is not None:
            await self._documents.accept(self._job, work.path, planned, content)
        return Uploaded(
            work,
            etag=None if self._bucket is None else content.etag,
            sha256=content.sha256,
            document_id=None if planned is None else planned.claimed.document_id,
            sent=bool(targets),
        )

    async def _planned(
        self, work: FileWork, file: OpenFile, found: Signature
    ) -> tuple[Content | None, PlannedDocument | None]:
        """Judge and hash a file that becomes a document: its content says whether it is new."""
        if not self._job.order.process:
            return None, None
        kind = await self._threads.run(self._documents.judge, work.path, file)
        content = await self._threads.run(hash_whole, file, found)
        return content, await self._documents.plan(self._job, work.path, kind, content)

    async def _stored(
        self, work: FileWork, file: OpenFile, found: Signature, content: Content | None
    ) -> Content | None:
        """Return the content when the bucket holds it under this key; None when it does not."""
        if self._bucket is None or not (work.maybe_stored or self.looks_first):
            return None
        try:
            stat = await self._bucket.stat(self._key(work))
        except ObjectMissingError:
            return None
        if stat.size_bytes != found.size_bytes:
            return None
        if content is None:
            content = await self._threads.run(hash_whole, file, found)
        same = self._sender.matches(stat, content, newer_than_ns=found.mtime_ns)
        return content if same else None

    def _settling(self, work: FileWork, signature: Signature) -> FileOutcome:
        """Wait longer each time for a file that is being written."""
        if work.attempts + 1 >= self._settings.settle_attempts:
            return Failed(replace(work, signature=signature), FileFailure.FILE_CHANGING)
        return Postponed(work, signature, self._settings.stable_s * 2**work.attempts)

    def _again(self, work: FileWork, reason: FileFailure) -> FileOutcome:
        if work.attempts + 1 >= _ATTEMPTS:
            return Failed(work, reason)
        return Postponed(work, work.signature, _AGAIN_S * 2**work.attempts)

    def _key(self, work: FileWork) -> str:
        return self._job.order.prefix + work.path


def _code(error: FileRefusedError | RefusedError | PermanentError) -> str:
    if isinstance(error, FileRefusedError):
        return error.failure
    return error.code if isinstance(error, RefusedError) else error.reason.value.upper()
