"""What the state of an upload allows, told as the refusal that a client hears."""

import unicodedata
from datetime import datetime
from typing import Final

from ingest.errors import (
    FilenameInvalidError,
    UploadBusyError,
    UploadCompletedError,
    UploadEndedError,
    UploadExpiredError,
    UploadNotFoundError,
)
from ingest.upload import Upload, UploadState

_MAX_NAME_BYTES: Final = 255
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control and format characters: among the latter those that turn the direction of writing."""


def not_found() -> UploadNotFoundError:
    return UploadNotFoundError("There is no such upload.")


def require_open(upload: Upload, *, now: datetime) -> None:
    """Refuse what nothing can be added to. Raises the error that tells the client why."""
    if upload.state is UploadState.COMPLETING:
        raise UploadBusyError("The upload is being completed; ask again soon.")
    require_unfinished(upload, now=now)


def require_unfinished(upload: Upload, *, now: datetime) -> None:
    """Refuse what ended. Raises UploadCompletedError, UploadEndedError or UploadExpiredError."""
    if upload.state is UploadState.COMPLETED:
        raise UploadCompletedError(
            "The upload has become a document.",
            document_id=upload.result_id or upload.document_id,
        )
    if upload.state is UploadState.EXPIRED or (
        upload.state is UploadState.OPEN and upload.expires_at <= now
    ):
        raise UploadExpiredError("The upload was not finished in time; start it again.")
    if upload.state.is_final:
        because = f": {upload.refusal}" if upload.refusal else ""
        raise UploadEndedError(f"The upload was {upload.state}{because}; start it again.")


def require_filename(name: str) -> str:
    """Return *name* as NFC. Raises FilenameInvalidError for what no file should be called.

    Doors that take JSON refuse instead of mending: the client made the name up itself.
    """
    if name.strip(" .") == "":
        raise FilenameInvalidError("The filename is empty.", field="filename")
    if "/" in name or "\\" in name:
        raise FilenameInvalidError(
            "The filename holds a path; send the name alone.", field="filename"
        )
    if any(unicodedata.category(c) in _CONTROLS for c in name):
        raise FilenameInvalidError(
            "The filename holds control or direction characters.", field="filename"
        )
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise FilenameInvalidError(
            f"The filename has more than {_MAX_NAME_BYTES} bytes in UTF-8.", field="filename"
        )
    return unicodedata.normalize("NFC", name)
