"""The simple upload: one form, one file, streamed to the store and accepted."""

from typing import Final

from ingest.uploads.fields import field_limits
from ingest.uploads.form import FormReader
from ingest.uploads.forms import FormIntake, IncomingUpload
from ingest.uploads.intake import Receipt

ROUTE: Final = "upload/simple"


class SimpleUpload:
    """Receives forms. Whatever goes wrong, either the document is accepted or nothing is left."""

    def __init__(self, intake: FormIntake) -> None:
        self._intake = intake

    async def receive(self, upload: IncomingUpload) -> Receipt:
        """Read the body to its end and accept the document.

        Raises RefusedError, the errors of `media_types.sniff`, or DependencyUnavailableError. A
        kill -9 before the commit leaves bytes that the sweep removes; after it, a document.
        """
        known = field_limits(max_json_bytes=self._intake.limits.max_metadata_bytes)
        reader = FormReader(upload.boundary, fields=known)
        async with self._intake.one_file(upload, route=ROUTE) as form:
            async for event in self._intake.events(upload, reader, most_bytes=form.max_file_bytes):
                await form.file.reception.take(event)
            return await form.file.finish()
