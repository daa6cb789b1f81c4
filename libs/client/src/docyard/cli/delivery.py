"""One document of an upload command: what is sent, what became of it, what that means."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docyard.cli.exits import CommandError, Exit, error_json

if TYPE_CHECKING:
    from docyard.models import Accepted, Progress
    from docyard.uploads import Upload


@dataclass
class Delivery:
    """From a path to an ended document; the parts that are None have not happened."""

    name: str  # as the person named it
    upload: "Upload"
    accepted: "Accepted | None" = None
    last: "Progress | None" = None
    failure: Exception | None = None

    @property
    def document_id(self) -> str:
        """The id of the document; empty before it is accepted."""
        return self.accepted.document_id if self.accepted else ""

    @property
    def sha256(self) -> str:
        """The hash, in hex, of what was sent; empty before it is accepted."""
        return (self.accepted.sha256 if self.accepted else None) or ""

    @property
    def state(self) -> str:
        """What is known of the document last."""
        if not self.accepted:
            return "not sent"
        return self.last.state if self.last else "accepted"

    @property
    def failed(self) -> Exception | None:
        """What speaks against success, whether on the way or in processing."""
        if self.failure or self.last is None or self.last.state in _GOOD:
            return self.failure
        return failure_of(self.last)

    def to_json(self) -> dict[str, Any]:
        """Return the delivery for programs."""
        failed = self.failed
        return {
            "path": self.name,
            "document_id": self.document_id or None,
            "state": self.state,
            "progress": self.last.progress if self.last else 0.0,
            "sha256": self.sha256 or None,
            "via": self.accepted.via if self.accepted else None,
            "error": error_json(failed) if failed else None,
        }


_GOOD = frozenset({"accepted", "completed"})


class ProcessingFailedError(CommandError):
    """The document was accepted, and ended otherwise than completed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, exit_code=Exit.FAILED)
        self.code = code


def failure_of(update: "Progress") -> ProcessingFailedError | None:
    """Return what a document ended of; None where it completed, or has not ended."""
    if not update.is_terminal or update.state in _GOOD:
        return None
    if update.error is None:
        return ProcessingFailedError(update.state, f"the document was {update.state}")
    return ProcessingFailedError(update.error.code, update.error.message or update.error.code)


def last_word(update: "Progress") -> str:
    """Say how a document ended."""
    failed = failure_of(update)
    if failed is None:
        pages = f", {update.pages_total} pages" if (update.pages_total or 0) > 1 else ""
        return f"{update.state}{pages}"
    return f"{update.state}: {failed}"
