"""What one WebSocket client follows: from its `subscribe` to the end of its connection."""

import asyncio
from collections.abc import Collection
from typing import Final
from uuid import UUID

from docyard_common.observability import metrics
from notifier.live import Live
from notifier.mailbox import Mailbox
from notifier.messages import Message, Subscribe, Unsubscribe, error, write
from notifier.recovery import CaughtUp
from notifier.subscription import Subscription

NOT_FOUND: Final = "There is no such document."


class Following:
    """The documents of one connection, and the channel of its owner."""

    def __init__(self, live: Live, *, owner: str, mailbox: Mailbox) -> None:
        self._live = live
        self._owner = owner
        self._mailbox = mailbox
        self._subscription = Subscription(owner, mailbox)
        self._documents: set[UUID] = set()
        self._everything = False
        self._timers: set[asyncio.TimerHandle] = set()

    async def subscribe(self, message: Subscribe) -> None:
        """Answer the snapshot and follow from there; nothing falls between the two.

        Raises DependencyUnavailableError: then everything is as it was before.
        """
        added = message.job_ids - self._documents
        limit = self._live.settings.stream.max_subscriptions
        if len(self._documents) + len(added) > limit:
            text = f"A connection may follow {limit} documents."
            self._put(error("TOO_MANY_SUBSCRIPTIONS", text, message.id, limit=limit))
            return
        everything_before = self._everything
        self._subscription.hold()
        self._follow(added)
        self._follow_all(wanted=self._everything or bool(message.channels))
        try:
            caught_up = await self._catch_up(message)
        except BaseException:
            self._stop_following(added)
            self._follow_all(wanted=everything_before)
            self._subscription.release()
            raise
        self._answer(message, caught_up)

    def unsubscribe(self, message: Unsubscribe) -> None:
        self._stop_following(message.job_ids & self._documents)
        if message.channels:
            self._follow_all(wanted=False)
        self._put(write("unsubscribed", message.id))

    def leave(self) -> None:
        """Follow nothing more; called once the connection is gone."""
        self._stop_following(self._documents)
        self._follow_all(wanted=False)
        for timer in self._timers:
            timer.cancel()

    async def _catch_up(self, message: Subscribe) -> CaughtUp:
        since = _positions(message)
        wanted = set(message.job_ids)
        if message.channels:
            limit = self._live.settings.stream.max_snapshot
            wanted |= since.keys() | await self._live.recovery.active(self._owner, limit=limit)
        caught_up = await self._live.recovery.catch_up(wanted, owner=self._owner, since=since)
        if since:
            metrics.WS_RECOVERIES.labels(str(caught_up.recovered).lower()).inc()
        return caught_up

    def _answer(self, message: Subscribe, caught_up: CaughtUp) -> None:
        missing = caught_up.missing & message.job_ids
        young = {i for i in missing if self._live.arrivals.may_come(i)}
        self._subscription.awaited |= young
        entries = [update.entry for update in caught_up.updates]
        answer = write("subscribed", message.id, recovered=caught_up.recovered, snapshot=entries)
        self._put(answer)
        self._subscription.release(caught_up.updates)
        self._not_found(missing - young, message)
        if young:
            self._expect(young, message)

    def _expect(self, document_ids: Collection[UUID], message: Message) -> None:
        """Refuse those documents of which nothing is heard in time."""

        def give_up() -> None:
            self._timers.discard(timer)
            self._not_found(self._subscription.awaited.intersection(document_ids), message)

        patience_s = self._live.settings.stream.patience_s
        timer = asyncio.get_running_loop().call_later(patience_s, give_up)
        self._timers.add(timer)

    def _not_found(self, document_ids: Collection[UUID], message: Message) -> None:
        self._stop_following(document_ids)
        for document_id in document_ids:
            self._put(error("NOT_FOUND", NOT_FOUND, message.id, job_id=str(document_id)))

    def _follow(self, document_ids: Collection[UUID]) -> None:
        self._documents.update(document_ids)
        self._live.hub.watch(self._subscription, document_ids)

    def _follow_all(self, *, wanted: bool) -> None:
        self._everything = wanted
        change = self._live.hub.watch_all if wanted else self._live.hub.unwatch_all
        change(self._subscription)

    def _stop_following(self, document_ids: Collection[UUID]) -> None:
        self._live.hub.unwatch(self._subscription, document_ids)
        self._subscription.forget(document_ids)
        self._documents = self._documents.difference(document_ids)

    def _put(self, text: str) -> None:
        self._mailbox.put(text)


def _positions(message: Subscribe) -> dict[UUID, int]:
    """Return the `seq` held per document, as far as the client has named any."""
    if isinstance(message.since, dict):
        return message.since
    return {} if message.since is None else dict.fromkeys(message.job_ids, message.since)
