"""The batch: one form, several files, each accepted or refused by itself as it ends."""

from dataclasses import dataclass
from typing import Final

from docyard_common.errors import DependencyUnavailableError, DocyardError, PermanentError
from ingest.errors import (
    BatchTooLargeError,
    FieldInvalidError,
    FileMissingError,
    RefusedError,
    TooManyFilesError,
    UploadAbandonedError,
)
from ingest.uploads.batch_fields import BatchFields, batch_field_limits
from ingest.uploads.form import FileClosed, FileOpened, FormEvent, FormReader, TextField
from ingest.uploads.forms import FORM_OVERHEAD_BYTES, FormIntake, IncomingUpload
from ingest.uploads.intake import FileOrder, IncomingFile, Receipt

ROUTE: Final = "upload/batch"
FILE_FIELDS: Final = frozenset({"files", "file"})
"""`files` is the field; `file`, as the simple upload calls it, is taken too."""


@dataclass(frozen=True)
class BatchItem:
    """What became of one file: a receipt, or why not."""

    filename: str  # as the client sent it, cut
    receipt: Receipt | None = None
    error: DocyardError | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """All files that came, in their order; *broken* says why nothing behind them was read."""

    items: list[BatchItem]
    broken: DocyardError | None = None


class BatchUpload:
    """Receives forms with several files. Nothing is held of a file but what is on its way."""

    def __init__(self, intake: FormIntake) -> None:
        self._intake = intake
        self._limits = intake.limits

    async def receive(self, upload: IncomingUpload) -> BatchOutcome:
        """Read the body as far as it can be read; what was accepted by then stays accepted.

        Raises RefusedError or DependencyUnavailableError only while nothing is accepted. A kill -9
        leaves the files accepted by then, and the bytes of one that the sweep removes.
        """
        admission = self._intake.admission
        async with self._intake.slots.body(upload.owner), admission.uploading(upload.owner) as own:
            most = self._limits.max_batch_bytes or (
                self._limits.max_files_per_upload * own.max_file_bytes
            )
            if (upload.declared_bytes or 0) > most + FORM_OVERHEAD_BYTES:
                raise batch_too_large(most)
            reading = _Reading(self._intake, upload, own.max_file_bytes)
            reading.max_files = self._limits.max_files_per_upload
            try:
                await self._read(upload, reading, most)
            except (RefusedError, DependencyUnavailableError) as error:
                return await reading.broken_by(error)
            except BaseException as error:
                await reading.drop(error)
                raise
            return reading.outcome()

    async def _read(self, upload: IncomingUpload, reading: "_Reading", most_bytes: int) -> None:
        reader = FormReader(
            upload.boundary,
            fields=batch_field_limits(self._limits),
            files=FILE_FIELDS,
            max_files=self._limits.max_files_per_upload,
        )
        events = self._intake.events(upload, reader, most_bytes=most_bytes, refusal=batch_too_large)
        async for event in events:
            await reading.take(event)


class _Reading:
    """Goes through one form; knows the file that is coming and what became of those before."""

    max_files = 1

    def __init__(self, intake: FormIntake, upload: IncomingUpload, max_file_bytes: int) -> None:
        self._files = intake.files
        self._admission = intake.admission
        self._upload = upload
        self._max_file_bytes = max_file_bytes
        self._fields = BatchFields()
        self._items: list[BatchItem] = []
        self._filename: str | None = None  # of the file that is coming
        self._incoming: IncomingFile | None = None  # None as well for one that is passed over

    async def take(self, event: FormEvent) -> None:
        """Go on by *event*. Raises what ends the whole batch; what ends a file becomes its item."""
        match event:
            case TextField(name, value):
                self._take_field(name, value)
            case FileOpened():
                await self._open(event)
            case FileClosed():
                await self._close()
            case _:
                await self._take_piece(event)

    def outcome(self) -> BatchOutcome:
        """Return what became of the files. Raises FileMissingError where there were none."""
        if not self._items:
            raise FileMissingError("The form has no field 'files'.", field="files")
        return BatchOutcome(self._items)

    async def broken_by(self, error: DocyardError) -> BatchOutcome:
        """Return what stays accepted. Raises *error* where that is nothing, or nobody listens."""
        await self.drop(error)
        if isinstance(error, UploadAbandonedError) or not self._has_accepted():
            raise error
        return BatchOutcome(self._items, broken=error)

    async def drop(self, error: BaseException) -> None:
        """End the file that is coming, if there is one."""
        if self._incoming is not None:
            await self._incoming.discard(error)
            self._incoming = None
        if self._filename is not None and isinstance(error, DocyardError):
            self._note(error=error)

    def _has_accepted(self) -> bool:
        return any(item.receipt is not None for item in self._items)

    def _take_field(self, name: str, value: str) -> None:
        if self._items or self._filename is not None:
            raise FieldInvalidError(
                f"The field {name!r} must come before the files: they are accepted one by one.",
                field=name,
            )
        self._fields.take(name, value)

    async def _open(self, opened: FileOpened) -> None:
        index = len(self._items)
        self._filename = opened.filename[:255]
        if index >= self.max_files:
            raise TooManyFilesError(
                f"A batch holds no more than {self.max_files} files.", field="files"
            )
        try:
            await self._admission.check(self._upload.owner, documents=0)
            self._incoming = await self._files.begin(
                FileOrder(self._upload.owner, ROUTE, self._key(index)),
                max_file_bytes=self._max_file_bytes,
            )
            for field in self._fields.of(index):
                await self._incoming.reception.take(field)
            await self._incoming.reception.take(opened)
        except (RefusedError, PermanentError) as error:
            await self._refuse(error)

    async def _take_piece(self, piece: bytes) -> None:
        if self._incoming is None:
            return
        try:
            await self._incoming.reception.take(piece)
        except (RefusedError, PermanentError) as error:
            await self._refuse(error)

    async def _close(self) -> None:
        if self._incoming is None:
            return
        try:
            receipt = await self._incoming.finish()
        except (RefusedError, PermanentError) as error:
            await self._refuse(error)
            return
        self._incoming = None
        self._note(receipt=receipt)

    async def _refuse(self, error: DocyardError) -> None:
        """Pass over the rest of the file: those behind it may be better."""
        await self.drop(error)

    def _note(self, *, receipt: Receipt | None = None, error: DocyardError | None = None) -> None:
        self._items.append(BatchItem(self._filename or "", receipt, error))
        self._filename = None

    def _key(self, index: int) -> str | None:
        """Each file of a batch is remembered by itself: what was refused may come again."""
        key = self._upload.idempotency_key
        return None if key is None else f"{index}:{key}"


def batch_too_large(limit_bytes: int) -> BatchTooLargeError:
    """Return the refusal of a batch over *limit_bytes*."""
    return BatchTooLargeError(
        f"The files of a batch may have no more than {limit_bytes} bytes together."
    )
