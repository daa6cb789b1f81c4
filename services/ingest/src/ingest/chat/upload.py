"""The upload of a chat: one file with a question, streamed and accepted like every other."""

from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from pydantic_core import from_json

from docyard_common.database import Transaction
from ingest.chat.jobs import ChatJobs
from ingest.errors import FieldInvalidError
from ingest.tables import chat_jobs
from ingest.tables.chat_jobs import ChatQuestion
from ingest.uploads.acceptance import Acceptance, Accepted
from ingest.uploads.fields import OPTIONS, PRIORITY
from ingest.uploads.form import FormReader, TextField
from ingest.uploads.forms import FormIntake, IncomingForm, IncomingUpload
from ingest.uploads.intake import Receipt

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

    def __init__(self, intake: FormIntake, *, jobs: ChatJobs) -> None:
        self._intake = intake
        self._jobs = jobs

    async def receive(self, upload: IncomingUpload) -> Receipt:
        """Read the body to its end and accept the document with its question.

        Raises as `SimpleUpload.receive` does, and DocumentNotFoundError for a reference that is
        not the owner's.
        """
        async with self._intake.one_file(upload, route=ROUTE) as form:
            fields = await self._read(upload, form)
            question = fields.question()
            await self._jobs.require_references(fields.references, owner=upload.owner)
            return await form.file.finish(settle=partial(_keep, question), beside=asdict(question))

    async def _read(self, upload: IncomingUpload, form: IncomingForm) -> ChatFields:
        reception = form.file.reception
        # A person waits for the answer: the document takes the faster lane.
        await reception.take(TextField(PRIORITY, "high"))
        fields, reader = ChatFields(), FormReader(upload.boundary, fields=_FIELDS)
        async for event in self._intake.events(upload, reader, most_bytes=form.max_file_bytes):
            if isinstance(event, TextField) and event.name != OPTIONS:
                fields.take(event.name, event.value)
            else:
                await reception.take(event)
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
