"""Hears what other processes and transactions say: new work, cancels, stages let go."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import psycopg

from docyard_common.database.pool import connection_arguments, translated
from docyard_common.errors import DependencyUnavailableError
from docyard_common.events.stages import Stage
from docyard_common.settings import DatabaseSettings
from docyard_common.work.schema import CHANNEL

logger = logging.getLogger(__name__)

_PAUSE_S = 1.0


class Listener:
    """One connection that listens. What is missed while it is away is found by polling."""

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        schema: str,
        wake: Mapping[Stage, Callable[[], None]],
        cancel: Callable[[UUID], None],
        reload_holds: Callable[[], Awaitable[None]],
    ) -> None:
        self._connect = connection_arguments(settings, schema=schema, name="processor-listener")
        self._wake = {str(stage): each for stage, each in wake.items()}
        self._cancel = cancel
        self._reload_holds = reload_holds

    async def run(self) -> None:
        """Listen until cancelled; connects again when the database comes back."""
        while True:
            try:
                await self._listen()
            except DependencyUnavailableError as error:
                logger.warning("listener.waiting", extra={"error": str(error)})
            await asyncio.sleep(_PAUSE_S)

    async def _listen(self) -> None:
        with translated():
            connection = await psycopg.AsyncConnection.connect(**self._connect, autocommit=True)
            async with connection:
                await connection.execute(f"listen {CHANNEL}")
                await self._reload_holds()
                async for notification in connection.notifies():
                    await self._heard(notification.payload)

    async def _heard(self, payload: str) -> None:
        kind, _, subject = payload.partition(":")
        match kind:
            case "work":
                # Stages may run in processes of their own: all of these are told.
                if (wake := self._wake.get(subject)) is not None:
                    wake()
            case "cancel":
                self._cancel(UUID(subject))
            case "stage":
                await self._reload_holds()
            case _:
                logger.warning("listener.unknown", extra={"kind": kind})
