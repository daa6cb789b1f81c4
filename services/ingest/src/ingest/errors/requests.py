"""A request that is refused for its form, its fields or its keys."""

from ingest.errors.base import RefusedError


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


class FilenameInvalidError(RefusedError):
    """The name holds what no file name should."""

    code = "FILENAME_INVALID"


class UploadStalledError(RefusedError):
    """The client stopped sending in the middle of its body, or nearly did."""

    code = "UPLOAD_STALLED"


class UploadAbandonedError(RefusedError):
    """The client has gone: nobody reads the answer."""

    code = "UPLOAD_ABANDONED"


class OverloadedError(RefusedError):
    """All upload slots, or those for one owner, are taken; the client should come back."""

    code = "OVERLOADED"


class IdempotencyKeyInvalidError(RefusedError):
    """The `Idempotency-Key` is empty, too long or not printable."""

    code = "IDEMPOTENCY_KEY_INVALID"


class IdempotencyKeyReusedError(RefusedError):
    """The same key came with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"


class RangeInvalidError(RefusedError):
    """The asked range lies beyond the end of the file."""

    code = "RANGE_NOT_SATISFIABLE"

    def __init__(self, detail: str, *, size_bytes: int) -> None:
        super().__init__(detail)
        self.size_bytes = size_bytes


class CursorInvalidError(RefusedError):
    """The cursor was not made by this list."""

    code = "CURSOR_INVALID"


class ApiKeyNotFoundError(RefusedError):
    """No such API key."""

    code = "API_KEY_NOT_FOUND"
