"""What is said to an owner who wants more than may be."""

from typing import Final

from ingest.errors import (
    DocumentQuotaExceededError,
    FileTooLargeError,
    StorageQuotaExceededError,
    TooManyUploadsError,
)
from ingest.limits.owner_limits import OwnerLimits
from ingest.tables.usage import Usage

_BYTES_PER_MB: Final = 1024 * 1024


def too_large(limit_bytes: int) -> FileTooLargeError:
    """Return the refusal of a file over *limit_bytes*."""
    return FileTooLargeError(
        f"The file is larger than {limit_bytes / _BYTES_PER_MB:g} MiB.", field="file"
    )


def require_slot(limits: OwnerLimits, used: Usage) -> None:
    """Raise TooManyUploadsError unless one more upload may begin."""
    if limits.max_uploads_in_flight and used.open_uploads >= limits.max_uploads_in_flight:
        raise TooManyUploadsError(
            f"{used.open_uploads} uploads are under way and no more than"
            f" {limits.max_uploads_in_flight} may be: finish or cancel one."
        )


def require_room(limits: OwnerLimits, used: Usage, *, size_bytes: int, documents: int) -> None:
    """Raise unless there is room for so much more beside what is kept and what is on its way.

    DocumentQuotaExceededError or StorageQuotaExceededError.
    """
    require_kept(
        limits,
        documents=used.documents + used.open_uploads + documents,
        stored_bytes=used.stored_bytes + used.open_bytes + size_bytes,
    )


def require_kept(limits: OwnerLimits, *, documents: int, stored_bytes: int) -> None:
    """Raise unless so many documents of so many bytes may be kept, as `require_room` does."""
    if limits.max_documents and documents > limits.max_documents:
        raise DocumentQuotaExceededError(
            f"No more than {limits.max_documents} documents may be kept: delete some first."
        )
    if limits.max_stored_bytes and stored_bytes > limits.max_stored_bytes:
        raise StorageQuotaExceededError(
            f"The documents would take {stored_bytes} bytes of the {limits.max_stored_bytes} that"
            " may be used: delete some first."
        )
