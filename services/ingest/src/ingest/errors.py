"""Why ingest says no: each error has the stable `code` that clients see; `api` adds the status."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from docyard_common.errors import DependencyUnavailableError, DocyardError


class RefusedError(DocyardError):
    """A request that is not done; the message is a sentence for the person who sent it."""

    code: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class MultipartInvalidError(RefusedError):
    """The body is no `multipart/form-data`, or ends in the middle of it."""

    code = "MULTIPART_INVALID"


class UnknownFieldError(RefusedError):
    """The form has a field that this call does not know."""

    code = "UNKNOWN_FIELD"


class FieldInvalidError(RefusedError):
    """A field's value is not what the field takes, or the field is given twice."""

    code = "FIELD_INVALID"


class FileMissingError(RefusedError):
    """The form ends without a `file`."""

    code = "FILE_MISSING"


class FileTooLargeError(RefusedError):
    """The file is larger than its owner may upload, whatever its `Content-Length` said."""

    code = "FILE_TOO_LARGE"


class TooManyFilesError(RefusedError):
    """The batch holds more files than one may."""

    code = "TOO_MANY_FILES"


class BatchTooLargeError(RefusedError):
    """The files of the batch have more bytes together than they may."""

    code = "BATCH_TOO_LARGE"


class StorageQuotaExceededError(RefusedError):
    """The owner's documents would take more bytes than may be used."""

    code = "STORAGE_QUOTA_EXCEEDED"


class DocumentQuotaExceededError(RefusedError):
    """The owner would have more documents than may be kept."""

    code = "DOCUMENT_QUOTA_EXCEEDED"


class TooManyUploadsError(RefusedError):
    """As many uploads of the owner are under way as may be at once."""

    code = "TOO_MANY_UPLOADS"


class UploadStalledError(RefusedError):
    """The client stopped sending in the middle of its body."""

    code = "UPLOAD_STALLED"


class UploadAbandonedError(RefusedError):
    """The client has gone: nobody reads the answer."""

    code = "UPLOAD_ABANDONED"


class OverloadedError(RefusedError):
    """All upload slots are taken; the client should come back."""

    code = "OVERLOADED"


class IdempotencyKeyInvalidError(RefusedError):
    """The `Idempotency-Key` is empty, too long or not printable."""

    code = "IDEMPOTENCY_KEY_INVALID"


class IdempotencyKeyReusedError(RefusedError):
    """The same key came with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"


class DocumentNotFoundError(RefusedError):
    """No such document, or somebody else's."""

    code = "DOCUMENT_NOT_FOUND"


class EntityNotFoundError(RefusedError):
    """No document of the caller names such an entity."""

    code = "ENTITY_NOT_FOUND"


class RelationNotFoundError(RefusedError):
    """No document of the caller shows such a relation."""

    code = "RELATION_NOT_FOUND"


class ApiKeyNotFoundError(RefusedError):
    """No such API key."""

    code = "API_KEY_NOT_FOUND"


class ChatJobNotFoundError(RefusedError):
    """No such chat upload, or somebody else's."""

    code = "CHAT_JOB_NOT_FOUND"


class PageNotFoundError(RefusedError):
    """The document has no such page."""

    code = "PAGE_NOT_FOUND"


class NotAvailableError(RefusedError):
    """The document has come to its end without what is asked for."""

    code = "NOT_AVAILABLE"


class NotReadyError(RefusedError):
    """What is asked for is still being made."""

    code = "NOT_READY"


class AlreadyTerminalError(RefusedError):
    """The document has come to its end: there is no work to cancel."""

    code = "ALREADY_TERMINAL"


class InWorkError(RefusedError):
    """The document is being processed: it can be reprocessed once that has ended."""

    code = "DOCUMENT_IN_WORK"


class StageNotReachedError(RefusedError):
    """No earlier processing has left what *from_stage* begins with."""

    code = "STAGE_NOT_REACHED"


class OriginalRemovedError(RefusedError):
    """The uploaded bytes are not kept any more: there is nothing to read them from."""

    code = "ORIGINAL_REMOVED"


class ReprocessedTooOftenError(RefusedError):
    """The document has been processed as often as generations can be counted."""

    code = "REPROCESSED_TOO_OFTEN"


class BulkOperationNotFoundError(RefusedError):
    """No such operation, or somebody else's."""

    code = "BULK_OPERATION_NOT_FOUND"


class BulkOperationOverError(RefusedError):
    """The operation has ended: it can not be paused, resumed or cancelled."""

    code = "BULK_OPERATION_OVER"


class RangeInvalidError(RefusedError):
    """The asked range lies beyond the end of the file."""

    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, detail: str, *, size_bytes: int) -> None:
        super().__init__(detail)
        self.size_bytes = size_bytes


class CursorInvalidError(RefusedError):
    """The cursor was not made by this list."""

    code = "CURSOR_INVALID"


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


class PartsMissingError(RefusedError):
    """The upload can not be completed yet: these parts have not come."""

    code = "PARTS_MISSING"

    def __init__(self, detail: str, *, missing: Sequence[int]) -> None:
        super().__init__(detail)
        self.missing = missing


class PartNumberInvalidError(RefusedError):
    """The upload has no part of that number."""

    code = "PART_NUMBER_INVALID"


class PartSizeInvalidError(RefusedError):
    """The part has fewer bytes than a part of its number must have."""

    code = "PART_SIZE_INVALID"


class PartTooLargeError(RefusedError):
    """The part has more bytes than a part of its number may have."""

    code = "PART_TOO_LARGE"


class PartConflictError(RefusedError):
    """A part of this number came before with other bytes."""

    code = "PART_CONFLICT"


class TotalPartsMismatchError(RefusedError):
    """The client counts another number of parts than was agreed on."""

    code = "TOTAL_PARTS_MISMATCH"


class ChunkHashInvalidError(RefusedError):
    """The stated hash of a part is no MD5 or SHA-256."""

    code = "CHUNK_HASH_INVALID"


class ChunkHashMismatchError(RefusedError):
    """The bytes that came are not those that were hashed; the part may be sent again."""

    code = "CHUNK_HASH_MISMATCH"


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


class FilenameInvalidError(RefusedError):
    """The name holds what no file name should."""

    code = "FILENAME_INVALID"


class FolderJobNotFoundError(RefusedError):
    """No such folder job, or somebody else's."""

    code = "FOLDER_JOB_NOT_FOUND"


class FolderNotAllowedError(RefusedError):
    """The folder does not lie below one of `SYNC__ROOTS`; whether it exists is not said."""

    code = "FOLDER_NOT_ALLOWED"


class FolderMissingError(RefusedError):
    """There is no such folder, or it is none."""

    code = "FOLDER_MISSING"


class FolderUnreadableError(RefusedError):
    """The account that Docyard runs under may not read the folder."""

    code = "FOLDER_UNREADABLE"


class DestinationInvalidError(RefusedError):
    """A bucket or prefix that can not be written to."""

    code = "DESTINATION_INVALID"


class UploadIdTakenError(RefusedError):
    """The caller has another folder job of that id."""

    code = "UPLOAD_ID_TAKEN"


class AcceptanceUncertainError(DependencyUnavailableError):
    """The database broke while it committed: the row may be there, so its object must stay."""
