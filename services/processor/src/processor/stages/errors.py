"""Why a document can not be processed, as its stages find out."""

from docyard_common.errors import FailureReason, PermanentError


class UnreadableDocumentError(PermanentError):
    """Every parser refuses the document: truncated, damaged or not what it claims to be."""

    reason = FailureReason.UNREADABLE_DOCUMENT


class EncryptedDocumentError(PermanentError):
    """The document opens only with a password, and Docyard has none."""

    reason = FailureReason.ENCRYPTED_DOCUMENT


class DecompressionLimitError(PermanentError):
    """The document would unfold into more than its limits allow."""

    reason = FailureReason.DECOMPRESSION_LIMIT


class DocumentTooLargeError(PermanentError):
    """The document has more pages than are processed."""

    reason = FailureReason.TOO_LARGE


class ChecksumMismatchError(PermanentError):
    """The stored bytes are not those that were accepted."""

    reason = FailureReason.CHECKSUM_MISMATCH
