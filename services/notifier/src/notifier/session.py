"""The conversation with one WebSocket client: each message, and what it does.

Knows nothing of sockets: frames come in by `hear`, answers and updates go to the mailbox, and
`closing` says when to end and why.
"""

import asyncio
import logging
from typing import assert_never

from docyard_common.auth import InvalidTokenError, Principal
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.progress import DocumentView
from docyard_common.events.stages import DocumentState
from docyard_common.ids import uuid7
from notifier.close_codes import CloseCode
from notifier.connections import Transport
from notifier.following import NOT_FOUND, Following
from notifier.live import Live
from notifier.mailbox import Mailbox
from notifier.messages import (
    BadMessageError,
    CancelJob,
    Connect,
    GetJobStatus,
    Message,
    Ping,
    Refresh,
    Subscribe,
    Unsubscribe,
    error,
    parse,
    write,
)
from notifier.updates import update_of

logger = logging.getLogger(__name__)


class Session:
    """One authenticated client."""

    def __init__(self, live: Live, principal: Principal) -> None:
        self._live = live
        self._principal = principal
        self._id = uuid7()
        self.mailbox = Mailbox(live.settings.outbox)
        self._following = Following(live, owner=principal.subject, mailbox=self.mailbox)
        self._bad_messages = 0
        self._loop = asyncio.get_running_loop()
        self._expiry: asyncio.TimerHandle | None = None
        self.closing: asyncio.Future[CloseCode] = self._loop.create_future()

    @property
    def owner(self) -> str:
        return self._principal.subject

    @property
    def transport(self) -> Transport:
        return "ws"

    def close(self, code: CloseCode) -> None:
        """End the session; only the first reason counts."""
        if not self.closing.done():
            self.closing.set_result(code)

    def leave(self) -> None:
        """Take nothing more; called once the socket is gone."""
        self._following.leave()
        if self._expiry:
            self._expiry.cancel()
        self.closing.cancel()

    def greet(self, request_id: str | int | None = None) -> None:
        """Say `connected`, and end the session when its token does, unless a younger one comes."""
        if self._expiry:
            self._expiry.cancel()
        expires_at = self._principal.expires_at
        left_s = max(0.0, (expires_at - self._live.clock.now()).total_seconds())
        self._expiry = self._loop.call_later(left_s, self.close, CloseCode.TOKEN_EXPIRED)
        fields = {"session": str(self._id), "expires_at": expires_at.isoformat()}
        self.mailbox.put(write("connected", request_id, **fields))

    async def hear(self, frame: str | bytes) -> None:
        """Act on one frame; whatever is wrong with it is answered, never raised."""
        try:
            message = parse(frame)
        except BadMessageError as bad:
            self._count_bad(bad)
            return
        try:
            await self._act(message)
        except DependencyUnavailableError as away:
            logger.warning("session.unavailable", extra={"dependency": away.dependency})
            text = "The service can not reach what it needs; try again shortly."
            self._refuse("DEPENDENCY_UNAVAILABLE", text, message, retryable=True)

    def _count_bad(self, bad: BadMessageError) -> None:
        self.mailbox.put(error(bad.code, bad.detail, bad.request_id))
        self._bad_messages += 1
        if self._bad_messages >= self._live.settings.stream.max_bad_messages:
            self.close(CloseCode.BAD_MESSAGES)

    async def _act(self, message: Message) -> None:
        match message:
            case Connect() | Refresh():
                await self._renew(message)
            case Subscribe():
                await self._following.subscribe(message)
            case Unsubscribe():
                self._following.unsubscribe(message)
            case GetJobStatus():
                await self._tell_status(message)
            case CancelJob():
                await self._cancel(message)
            case Ping():
                self.mailbox.put(write("pong", message.id))
            case _:
                assert_never(message)

    async def _renew(self, message: Connect | Refresh) -> None:
        try:
            principal = await self._live.verifier.verify(message.token)
        except InvalidTokenError as invalid:
            self._refuse(invalid.code, invalid.detail, message)
            return
        if principal.subject != self.owner:
            self._refuse("SUBJECT_CHANGED", "The token is somebody else's.", message)
            return
        self._principal = principal
        self.greet(message.id)

    async def _tell_status(self, message: GetJobStatus) -> None:
        if view := await self._find(message):
            self._status(view, message)

    async def _cancel(self, message: CancelJob) -> None:
        """Ask for the stop; that the work has stopped is told as progress, like all else."""
        view = await self._find(message)
        if view is None:
            return
        if view.deleted or view.state in {DocumentState.COMPLETED, DocumentState.FAILED}:
            # Only ingest knows whether anything inside it is still in work.
            text = "The document has ended; what was found inside it is cancelled over HTTP."
            self._refuse("ALREADY_TERMINAL", text, message, job_id=str(message.job_id))
            return
        # Of a cancelled document too: what was found inside it may have begun since.
        await self._live.cancelling.request(view, by=self._principal)
        self._status(view, message)

    async def _find(self, message: GetJobStatus | CancelJob) -> DocumentView | None:
        view = await self._live.arrivals.find(message.job_id, owner=self.owner)
        if view is None:
            self._refuse("NOT_FOUND", NOT_FOUND, message, job_id=str(message.job_id))
        return view

    def _status(self, view: DocumentView, message: Message) -> None:
        self.mailbox.put(write("job_status_response", message.id, **update_of(view).entry))

    def _refuse(self, code: str, text: str, message: Message, **fields: object) -> None:
        self.mailbox.put(error(code, text, message.id, **fields))
