"""What is more than its owner may have."""

from ingest.errors.base import RefusedError


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
