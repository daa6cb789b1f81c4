"""What is wrong with one part of an upload, or with all of them together."""

from collections.abc import Sequence

from ingest.errors.base import RefusedError


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
