"""The one tree of errors: what may be tried again, and what may not and why.

Adapters translate foreign exceptions at their edge; above it only these are raised.
"""

from enum import StrEnum


class FailureReason(StrEnum):
    """Why a document can not be processed; dashboards, dead letters and clients live on it."""

    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    TYPE_MISMATCH = "type_mismatch"
    UNSUPPORTED_TYPE = "unsupported_type"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    ENCRYPTED_DOCUMENT = "encrypted_document"
    UNREADABLE_DOCUMENT = "unreadable_document"
    DECOMPRESSION_LIMIT = "decompression_limit"
    OBJECT_MISSING = "object_missing"
    MEMORY_LIMIT = "memory_limit"
    TIMEOUT = "timeout"
    NO_PROGRESS = "no_progress"
    CHILD_CRASHED = "child_crashed"
    CRASH_LOOP = "crash_loop"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    UNDECODABLE_RECORD = "undecodable_record"
    UNFORESEEN_ERROR = "unforeseen_error"

    @property
    def blames_the_document(self) -> bool:
        """Whether another document would have passed: the guard of a stage ignores these."""
        return self not in _BLAMES_THE_SYSTEM


_BLAMES_THE_SYSTEM = frozenset(
    {
        FailureReason.CRASH_LOOP,
        FailureReason.ATTEMPTS_EXHAUSTED,
        FailureReason.UNFORESEEN_ERROR,
        FailureReason.OBJECT_MISSING,
    }
)


class DocyardError(Exception):
    """The root of what Docyard raises on purpose."""

    stack: str = ""
    """Where it was raised first, of an error that another process told of."""


class RetryableError(DocyardError):
    """The same call may succeed later; *reason* says what the run died of, once it gives up."""

    reason: FailureReason = FailureReason.ATTEMPTS_EXHAUSTED


class DependencyUnavailableError(RetryableError):
    """A server that Docyard needs does not answer: no document is to blame, no attempt is burnt."""

    def __init__(self, dependency: str, detail: str) -> None:
        super().__init__(f"{dependency} does not answer: {detail}")
        self.dependency = dependency


class NotAskedError(DependencyUnavailableError):
    """Nothing of the call has reached the server: it has done nothing, and cost nothing."""


class PermanentError(DocyardError):
    """The same call will fail for ever; *reason* names why."""

    reason: FailureReason = FailureReason.UNFORESEEN_ERROR


class ObjectMissingError(PermanentError):
    """The object store answers, and has nothing under that key."""

    reason = FailureReason.OBJECT_MISSING


class UndecodableRecordError(PermanentError):
    """A Kafka record whose headers or value are not what its topic promises."""

    reason = FailureReason.UNDECODABLE_RECORD


class SupersededError(DocyardError):
    """Another run holds the fence: whatever this run did must not be seen."""
