"""The upload of a chat: one file with a question, streamed and accepted like every other."""

from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from pydantic_core import from_json

from docyard_common.database import Transaction
from ingest.chat.jobs import ChatJobs
from ingest.errors import FieldInvalidError
from ingest.limits.admission import Admission
from ingest.limits.refusals import too_large
from ingest.settings import UploadSettings
from ingest.tables import chat_jobs
from ingest.tables.chat_jobs import ChatQuestion
from ingest.uploads.acceptance import Acceptance, Accepted
from ingest.uploads.body import watched
from ingest.uploads.fields import OPTIONS, PRIORITY
from ingest.uploads.form import FormReader, TextField
from ingest.uploads.intake import FileIntake, FileOrder, Receipt
from ingest.uploads.reception import Reception
from ingest.uploads.simple import FORM_OVERHEAD_BYTES, IncomingUpload
from ingest.uploads.slots import UploadSlots

ROUTE: Final = "chat/upload"
_SESSION: Final = "session_id"
_MESSAGE: Final = "message"
_REFERENCES: Final = "references"
_MAX_SESSION: Final = 200
_MAX_MESSAGE: Final = 8_000
_MAX_REFERENCES: Final = 10
_FIELDS: Final = {
    _SESSION: 4 * _MAX_SESSION,
    _MESSAGE: 4 * _MAX_MESSAGE,
    _REFERENCES: 2048,
    OPTIONS: 2048,
}


@dataclass
class ChatFields:
    """The text fields of the form, as far as they came."""

    session_id: str | None = None
    message: str | None = None
    references: tuple[UUID, ...] = field(default_factory=tuple)

    def take(self, name: str, value: str) -> None:
        """Read one field. Raises FieldInvalidError."""
        if "\x00" in value:
            raise FieldInvalidError(f"The field {name!r} holds a zero character.", field=name)
        if name == _SESSION:
            self.session_id = _bounded(name, value.strip(), _MAX_SESSION)
        elif name == _MESSAGE:
            self.message = _bounded(name, value.strip(), _MAX_MESSAGE) or None
        else:
            self.references = _references(value)

    def question(self) -> ChatQuestion:
        """Return what was asked. Raises FieldInvalidError without a session."""
        if not self.session_id:
            raise FieldInvalidError("The form has no field 'session_id'.", field=_SESSION)
        return ChatQuestion(self.session_id, self.message, self.references)


class ChatUpload:
    """Receives the forms. Document and question are committed together, or nothing is left."""

    def __init__(
        self,
        *,
        intake: FileIntake,
        admission: Admission,
        slots: UploadSlots,
        jobs: ChatJobs,
        uploads: UploadSettings,
    ) -> None:
        self._intake = intake
        self._admission = admission
        self._slots = slots
        self._jobs = jobs
        self._uploads = uploads

    async def receive(self, upload: IncomingUpload) -> Receipt:
        """Read the body to its end and accept the document with its question.

        Raises as `SimpleUpload.receive` does, and DocumentNotFoundError for a reference that is
        not the owner's.
        """
        least = max((upload.declared_bytes or 0) - FORM_OVERHEAD_BYTES, 0)
        async with (
            self._slots.body(),
            self._admission.uploading(upload.owner, size_bytes=least) as own,
        ):
            order = FileOrder(upload.owner, ROUTE, upload.idempotency_key)
            incoming = await self._intake.begin(order, max_file_bytes=own.max_file_bytes)
            try:
                fields = await self._read(upload, incoming.reception, own.max_file_bytes)
                question = fields.question()
                await self._jobs.require_references(fields.references, owner=upload.owner)
                return await incoming.finish(settle=partial(_keep, question))
            except BaseException as error:
                await incoming.discard(error)
                raise

    async def _read(
        self, upload: IncomingUpload, reception: Reception, max_file_bytes: int
    ) -> ChatFields:
        # A person waits for the answer: the document takes the faster lane.
        await reception.take(TextField(PRIORITY, "high"))
        fields, reader = ChatFields(), FormReader(upload.boundary, fields=_FIELDS)
        allowed = max_file_bytes + FORM_OVERHEAD_BYTES
        async for chunk in watched(upload.body, idle_timeout_s=self._uploads.idle_timeout_s):
            allowed -= len(chunk)
            if allowed < 0:
                raise too_large(max_file_bytes)
            for event in reader.feed(chunk):
                if isinstance(event, TextField) and event.name != OPTIONS:
                    fields.take(event.name, event.value)
                else:
                    await reception.take(event)
        reader.close()
        return fields


async def _keep(question: ChatQuestion, tx: Transaction, outcome: Acceptance) -> None:
    if isinstance(outcome, Accepted):
        await chat_jobs.insert(tx, outcome.document_id, question)


def _bounded(name: str, value: str, most: int) -> str:
    if len(value) > most:
        raise FieldInvalidError(f"The field {name!r} is longer than {most} characters.", field=name)
    return value


def _references(value: str) -> tuple[UUID, ...]:
    """Read a JSON array of ids, or ids with commas between them."""
    text = value.strip()
    try:
        given = from_json(text) if text.startswith("[") else text.split(",")
        ids = tuple(dict.fromkeys(UUID(each.strip()) for each in given if each.strip()))
    except (ValueError, AttributeError) as error:
        raise FieldInvalidError(
            "The field 'references' must be a JSON array of document ids.", field=_REFERENCES
        ) from error
    if len(ids) > _MAX_REFERENCES:
        raise FieldInvalidError(
            f"No more than {_MAX_REFERENCES} documents can be referred to.", field=_REFERENCES
        )
    return ids
