"""What can not be done with an upload of several requests."""

from uuid import UUID

from docyard_common.errors import DependencyUnavailableError
from ingest.errors.base import RefusedError


class UploadNotFoundError(RefusedError):
    """No such upload, or somebody else's."""

    code = "UPLOAD_NOT_FOUND"


class UploadExpiredError(RefusedError):
    """The upload was not finished in time; its parts are gone."""

    code = "UPLOAD_EXPIRED"


class UploadEndedError(RefusedError):
    """The upload was cancelled or refused: nothing can be added to it."""

    code = "UPLOAD_ENDED"


class UploadCompletedError(RefusedError):
    """The upload has become a document: nothing can be added, and it can not be cancelled."""

    code = "UPLOAD_COMPLETED"

    def __init__(self, detail: str, *, document_id: UUID) -> None:
        super().__init__(detail)
        self.document_id = document_id


class UploadBusyError(RefusedError):
    """Another request is completing this upload, or writing to it."""

    code = "UPLOAD_BUSY"


class OffsetMismatchError(RefusedError):
    """The bytes do not begin where the upload ends."""

    code = "OFFSET_MISMATCH"

    def __init__(self, detail: str, *, offset: int) -> None:
        super().__init__(detail)
        self.offset = offset


class TusHeaderInvalidError(RefusedError):
    """A header of the tus protocol is missing, or says what it can not say."""

    code = "TUS_HEADER_INVALID"


class UploadConcatenatedError(RefusedError):
    """The upload was made of other ones, so nothing can be appended to it."""

    code = "UPLOAD_CONCATENATED"


class PartialInvalidError(RefusedError):
    """What is to be joined is no partial upload, or one that is not whole."""

    code = "PARTIAL_INVALID"


class FileSizeMismatchError(RefusedError):
    """What lies in the store is not as large as was announced."""

    code = "FILE_SIZE_MISMATCH"


class FileHashMismatchError(RefusedError):
    """What lies in the store does not have the SHA-256 that was announced."""

    code = "FILE_HASH_MISMATCH"


class AcceptanceUncertainError(DependencyUnavailableError):
    """The database broke while it committed: the row may be there, so its object must stay."""
