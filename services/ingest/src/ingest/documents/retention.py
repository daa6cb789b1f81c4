"""Keeps documents and their parts for as long as their owner's terms say."""

import logging
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from docyard_common.clock import Clock
from docyard_common.database import Database, Transaction, lock_content, lock_document
from docyard_common.storage import ObjectStore
from ingest.documents.lifecycle import Lifecycle
from ingest.errors import DocumentNotFoundError
from ingest.settings import RetentionSettings
from ingest.tables import documents, retention
from ingest.tables.retention import Terms

logger = logging.getLogger(__name__)

ACTOR: Final = "retention"
_BATCH: Final = 200


class Retention:
    """Terms of owners, and the sweep that carries them out.

    A term runs from the end of a document's newest processing. All of it is idempotent; a kill -9
    leaves the rest to the next sweep.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        lifecycle: Lifecycle,
        clock: Clock,
        settings: RetentionSettings,
    ) -> None:
        self._database = database
        self._store = store
        self._lifecycle = lifecycle
        self._clock = clock
        self._default = Terms(**settings.model_dump())

    async def terms(self, owner: str) -> Terms:
        """Return the terms that hold for *owner*."""
        async with self._database.transaction() as tx:
            return await retention.terms(tx, owner) or self._default

    async def set_terms(self, owner: str, wanted: Terms | None, *, actor: str) -> Terms:
        """Set terms for *owner*, or None for the defaults; both are in the audit."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            if wanted is None:
                await retention.unset_terms(tx, owner)
            else:
                await retention.set_terms(tx, owner, wanted, by=actor, at=now)
            detail = asdict(wanted) if wanted else {"defaults": True}
            await retention.note(
                tx, "retention_changed", at=now, actor=actor, owner=owner, detail=detail
            )
        return wanted or self._default

    async def audit(
        self, *, owner: str | None, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Return what was erased, newest first."""
        async with self._database.transaction() as tx:
            return await retention.page(tx, owner=owner, before=before, limit=limit)

    async def sweep(self) -> None:
        """Carry out what is due. Raises DependencyUnavailableError; what was done stays done."""
        for document_id, owner in await self._due("documents_days"):
            await self._delete(document_id, owner)
        for document_id, owner in await self._due("originals_days"):
            await self._remove_original(document_id, owner)
        for document_id, owner in await self._due("artifacts_days"):
            await self._remove_artifacts(document_id, owner)
        for document_id, owner in await self._due("events_days"):
            await self._remove_events(document_id, owner)

    async def _due(self, column: str) -> list[tuple[UUID, str]]:
        default = getattr(self._default, column)
        async with self._database.transaction() as tx:
            return await retention.due(
                tx, column, default=default, now=self._clock.now(), limit=_BATCH
            )

    async def _is_due(self, tx: Transaction, document_id: UUID, column: str) -> bool:
        """Look again, under the document's lock: terms and states change while others are swept."""
        default = getattr(self._default, column)
        return await retention.is_due(
            tx, document_id, column, default=default, now=self._clock.now()
        )

    async def _delete(self, document_id: UUID, owner: str) -> None:
        async def due(tx: Transaction) -> bool:
            return await self._is_due(tx, document_id, "documents_days")

        with suppress(DocumentNotFoundError):  # its owner was faster
            await self._lifecycle.delete(document_id, owner=owner, actor=ACTOR, only_if=due)

    async def _remove_original(self, document_id: UUID, owner: str) -> None:
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            document = await documents.find(tx, document_id, owner=owner)
            if document is None or not await self._is_due(tx, document_id, "originals_days"):
                return  # deleted, or processed once more: its bytes are needed
            # Nobody can begin to share these bytes while they are removed.
            await lock_content(tx, owner, document.sha256)
            shared = await retention.shares_bytes(tx, document_id, document.object_key)
            if not shared:
                await self._store.delete(document.object_key)
            now = self._clock.now()
            await retention.mark_original_removed(tx, document_id, at=now)
            await retention.note(
                tx,
                "original",
                at=now,
                actor=ACTOR,
                owner=owner,
                document_id=document_id,
                detail={"bytes": 0 if shared else document.size_bytes},
            )

    async def _remove_artifacts(self, document_id: UUID, owner: str) -> None:
        """Hide what was made of the document in the transaction that asks for its end."""
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            document = await documents.find(tx, document_id, owner=owner)
            if document is None or not await self._is_due(tx, document_id, "artifacts_days"):
                return  # deleted, or processed once more: that has made new ones
            generation = document.generation
            await retention.mark_artifacts_removed(tx, document_id, generation=generation)
            await self._lifecycle.remove_artifacts(tx, document)
            await retention.note(
                tx,
                "artifacts",
                at=self._clock.now(),
                actor=ACTOR,
                owner=owner,
                document_id=document_id,
                detail={"generation": generation},
            )

    async def _remove_events(self, document_id: UUID, owner: str) -> None:
        async with self._database.transaction() as tx:
            await lock_document(tx, document_id)
            if not await self._is_due(tx, document_id, "events_days"):
                return
            removed = await retention.remove_events(tx, document_id)
            if removed:
                await retention.note(
                    tx,
                    "events",
                    at=self._clock.now(),
                    actor=ACTOR,
                    owner=owner,
                    document_id=document_id,
                    detail={"facts": removed},
                )
