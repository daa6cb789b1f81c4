"""The simple upload: one form, one file, streamed to the store and accepted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from ingest.limits.admission import Admission
from ingest.limits.refusals import too_large
from ingest.settings import LimitSettings, UploadSettings
from ingest.uploads.body import watched
from ingest.uploads.fields import field_limits
from ingest.uploads.form import FormReader
from ingest.uploads.intake import FileIntake, FileOrder, Receipt
from ingest.uploads.reception import Reception
from ingest.uploads.slots import UploadSlots

ROUTE: Final = "upload/simple"
FORM_OVERHEAD_BYTES: Final = 1024 * 1024
"""What delimiters, headers and the other fields may add to the file."""


@dataclass(frozen=True)
class IncomingUpload:
    """A request whose body has not been read yet."""

    owner: str
    boundary: str
    body: AsyncIterator[bytes]  # raises UploadAbandonedError when the client goes
    declared_bytes: int | None = None  # Content-Length: a hint that may lie
    idempotency_key: str | None = None


class SimpleUpload:
    """Receives forms. Whatever goes wrong, either the document is accepted or nothing is left."""

    def __init__(
        self,
        *,
        intake: FileIntake,
        admission: Admission,
        slots: UploadSlots,
        limits: LimitSettings,
        uploads: UploadSettings,
    ) -> None:
        self._intake = intake
        self._admission = admission
        self._slots = slots
        self._limits = limits
        self._uploads = uploads

    async def receive(self, upload: IncomingUpload) -> Receipt:
        """Read the body to its end and accept the document.

        Raises RefusedError, the errors of `media_types.sniff`, or DependencyUnavailableError. A
        kill -9 before the commit leaves bytes that the sweep removes; after it, a document.
        """
        least = max((upload.declared_bytes or 0) - FORM_OVERHEAD_BYTES, 0)
        async with (
            self._slots.body(),
            self._admission.uploading(upload.owner, size_bytes=least) as own,
        ):
            order = FileOrder(upload.owner, ROUTE, upload.idempotency_key)
            incoming = await self._intake.begin(order, max_file_bytes=own.max_file_bytes)
            try:
                await self._read(upload, incoming.reception, max_file_bytes=own.max_file_bytes)
                return await incoming.finish()
            except BaseException as error:
                await incoming.discard(error)
                raise

    async def _read(
        self, upload: IncomingUpload, reception: Reception, *, max_file_bytes: int
    ) -> None:
        known = field_limits(max_json_bytes=self._limits.max_metadata_bytes)
        reader = FormReader(upload.boundary, fields=known)
        allowed = max_file_bytes + FORM_OVERHEAD_BYTES
        async for chunk in watched(upload.body, idle_timeout_s=self._uploads.idle_timeout_s):
            allowed -= len(chunk)
            if allowed < 0:
                raise too_large(max_file_bytes)
            for event in reader.feed(chunk):
                await reception.take(event)
        reader.close()
