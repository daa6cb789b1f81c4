"""Why a file is refused for what it is, or is not."""

from docyard_common.errors import FailureReason, PermanentError


class EmptyFileError(PermanentError):
    """The file has no bytes."""

    reason = FailureReason.EMPTY_FILE


class UnsupportedTypeError(PermanentError):
    """Docyard does not read this type."""

    reason = FailureReason.UNSUPPORTED_TYPE


class TypeMismatchError(PermanentError):
    """Name, declared type and content contradict each other."""

    reason = FailureReason.TYPE_MISMATCH
