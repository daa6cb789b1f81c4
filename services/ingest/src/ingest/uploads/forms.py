"""Forms with files as they arrive: what the doors that take them have in common."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from ingest.errors import RefusedError
from ingest.limits.admission import Admission
from ingest.limits.refusals import too_large
from ingest.settings import LimitSettings, UploadSettings
from ingest.uploads.body import watched
from ingest.uploads.form import FormEvent, FormReader
from ingest.uploads.intake import FileIntake, FileOrder, IncomingFile
from ingest.uploads.slots import UploadSlots

FORM_OVERHEAD_BYTES: Final = 1024 * 1024
"""What delimiters, headers and the other fields may add to the files."""


@dataclass(frozen=True)
class IncomingUpload:
    """A request whose body has not been read yet."""

    owner: str
    boundary: str
    body: AsyncIterator[bytes]  # raises UploadAbandonedError when the client goes
    declared_bytes: int | None = None  # Content-Length: a hint that may lie
    idempotency_key: str | None = None


@dataclass(frozen=True)
class IncomingForm:
    """The one file of a form, and what its owner may send."""

    file: IncomingFile
    max_file_bytes: int


@dataclass(frozen=True)
class FormIntake:
    """What a form is received with. Safe to share between doors and tasks."""

    files: FileIntake
    admission: Admission
    slots: UploadSlots
    limits: LimitSettings
    uploads: UploadSettings

    @contextlib.asynccontextmanager
    async def one_file(self, upload: IncomingUpload, *, route: str) -> AsyncIterator[IncomingForm]:
        """Hold the place of a form with one file; the block reads it, and finishes the file.

        When the block raises, nothing is left of the file. Raises as `UploadSlots.body`,
        `Admission.uploading` and `FileIntake.begin` do.
        """
        least = max((upload.declared_bytes or 0) - FORM_OVERHEAD_BYTES, 0)
        async with (
            self.slots.body(upload.owner),
            self.admission.uploading(upload.owner, size_bytes=least) as own,
        ):
            order = FileOrder(upload.owner, route, upload.idempotency_key)
            file = await self.files.begin(order, max_file_bytes=own.max_file_bytes)
            try:
                yield IncomingForm(file, own.max_file_bytes)
            except BaseException as error:
                await file.discard(error)
                raise

    async def events(
        self,
        upload: IncomingUpload,
        reader: FormReader,
        *,
        most_bytes: int,
        refusal: Callable[[int], RefusedError] = too_large,
    ) -> AsyncIterator[FormEvent]:
        """Yield what *reader* finds in the body, to its end.

        Raises what the reader does, *refusal* of *most_bytes* for files that are larger,
        UploadAbandonedError or UploadStalledError.
        """
        allowed = most_bytes + FORM_OVERHEAD_BYTES
        async for chunk in watched(upload.body, self.uploads):
            allowed -= len(chunk)
            if allowed < 0:
                raise refusal(most_bytes)
            for event in reader.feed(chunk):
                yield event
        reader.close()
