"""What can not be done with a document, or is not there."""

from ingest.errors.base import RefusedError


class DocumentNotFoundError(RefusedError):
    """No such document, or somebody else's."""

    code = "DOCUMENT_NOT_FOUND"


class EntityNotFoundError(RefusedError):
    """No document of the caller names such an entity."""

    code = "ENTITY_NOT_FOUND"


class RelationNotFoundError(RefusedError):
    """No document of the caller shows such a relation."""

    code = "RELATION_NOT_FOUND"


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
