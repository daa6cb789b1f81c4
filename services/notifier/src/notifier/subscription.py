"""One connection as the hub sees it: drops what is not newer, holds back while catching up."""

from collections.abc import Iterable
from uuid import UUID

from notifier.mailbox import Mailbox
from notifier.updates import Update


class Subscription:
    """The receiving end of one connection; everything it lets through is in its mailbox."""

    def __init__(self, owner: str, mailbox: Mailbox) -> None:
        self._owner = owner
        self._mailbox = mailbox
        self._newest: dict[UUID, int] = {}
        self._held: list[Update] | None = None
        self.awaited: set[UUID] = set()
        """Documents asked for that nothing has been heard of yet."""

    @property
    def owner(self) -> str:
        return self._owner

    def push(self, update: Update) -> None:
        """Take an update from the hub, unless the client has been told something newer."""
        self.awaited.discard(update.document_id)
        if self._held is not None:
            self._held.append(update)
        elif update.seq > self._newest.get(update.document_id, -1):
            self._newest[update.document_id] = update.seq
            self._mailbox.put(update)
            if update.terminal:
                # Whatever may follow is newer in any case, and a follower of `user` runs for weeks.
                del self._newest[update.document_id]

    def hold(self) -> None:
        """Keep updates back until `release`: first the snapshot, then what is newer."""
        self._held = []

    def release(self, told: Iterable[Update] = ()) -> None:
        """Let through what was held, unless the updates in *told* are newer."""
        held, self._held = self._held or [], None
        for update in told:
            self._newest[update.document_id] = update.seq
        for update in held:
            self.push(update)

    def forget(self, document_ids: Iterable[UUID]) -> None:
        """Forget what was told about documents that are no longer followed."""
        for document_id in document_ids:
            self._newest.pop(document_id, None)
            self.awaited.discard(document_id)
