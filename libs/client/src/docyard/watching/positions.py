"""What a watcher has seen: decides what is newer, and when everything has ended."""

from collections.abc import Iterable, Mapping

from docyard.models import Progress


class Positions:
    """The newest `seq` of every watched document. Sources differ; this is what makes them one."""

    def __init__(
        self, document_ids: Iterable[str], *, since: Mapping[str, int] | None = None
    ) -> None:
        self._newest = dict(since or {})
        # A set that keeps its order; Docyard writes ids in lower case.
        self._pending = dict.fromkeys(document_id.lower() for document_id in document_ids)

    @property
    def pending(self) -> tuple[str, ...]:
        """The documents that have not ended."""
        return tuple(self._pending)

    def have_ended(self, document_ids: Iterable[str]) -> bool:
        """Whether nothing more is to come of any of these."""
        return self._pending.keys().isdisjoint(document_ids)

    def newest(self, document_id: str) -> int | None:
        """Return the last position seen of a document, from which a stream can resume."""
        return self._newest.get(document_id)

    def accept(self, update: Progress) -> bool:
        """Say whether *update* tells something new, and remember it.

        An update of an unwatched or ended document, or one that is not newer, tells nothing.
        """
        document_id = update.document_id
        if document_id not in self._pending or update.seq <= self._newest.get(document_id, -1):
            return False
        self._newest[document_id] = update.seq
        if update.is_terminal:
            del self._pending[document_id]
        return True
