"""Makes documents of what was found inside others: the only way in that no client asks for."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from docyard_common import artifacts
from docyard_common.artifacts import Member, MemberList
from docyard_common.clock import Clock
from docyard_common.database import Database, lock_document
from docyard_common.errors import ObjectMissingError, UndecodableRecordError
from docyard_common.events import codec, topics
from docyard_common.events.documents import ChildrenAccepted, RefusedChild
from docyard_common.events.work import ChildrenFound, Lineage
from docyard_common.ids import child_id
from docyard_common.kafka.received import ReceivedRecord
from docyard_common.observability import metrics
from docyard_common.outbox import Outbox
from docyard_common.storage import ObjectStore
from ingest.document import NewDocument
from ingest.errors import FieldInvalidError, RefusedError
from ingest.limits.admission import Admission
from ingest.tables import contents, document_events, documents, family
from ingest.uploads.acceptance import Accepted, Acceptor
from ingest.uploads.fields import clean_filename

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 4
"""Files that are copied and accepted side by side."""
_MOST_REFUSED: Final = 100


@dataclass
class _Tally:
    """What became of the files of one container."""

    children: int
    refused: list[RefusedChild]
    gone: bool = False  # the files are not there any more


class _Stored:
    """The bytes of a child: below its container's prefix, and then under its own key."""

    def __init__(self, store: ObjectStore, new: NewDocument, member: Member) -> None:
        self._store = store
        self._target = new.object_key
        self._member = member

    async def put(self) -> None:
        await self._store.copy(self._member.key, self._target)

    async def lie_there(self) -> bool:
        try:
            stat = await self._store.stat(self._target)
        except ObjectMissingError:
            return False
        return stat.size_bytes == self._member.size_bytes


class Children:
    """Applies `documents.children`.

    A child's id is made from its parent's and its position, so that a redelivery finds it there: no
    twin. The offset is committed after the last one: none is lost. A kill -9 between copy and
    commit leaves an object that the redelivery writes again, or removes where it is not wanted any
    more; with the container erased meanwhile, the sweep removes it.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: ObjectStore,
        acceptor: Acceptor,
        admission: Admission,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._acceptor = acceptor
        self._admission = admission
        self._outbox = outbox
        self._clock = clock

    async def apply(self, records: Sequence[ReceivedRecord]) -> None:
        """Accept what each record tells of; what is accepted already is left alone.

        Raises DependencyUnavailableError to be called again.
        """
        for record in records:
            found = _decoded(record)
            if found is not None:
                await self._accept_all(found)

    async def _accept_all(self, found: ChildrenFound) -> None:
        try:
            data = await self._store.get(found.members_key)
        except ObjectMissingError:
            # The parent was erased, or a later generation has replaced this one.
            logger.info("children.gone", extra={"document_id": str(found.document_id)})
            return
        members = artifacts.load(MemberList, data).members
        known = await self._known(found, members)
        waiting = [m for m in members if child_id(found.document_id, m.position) not in known]
        tally = _Tally(len(known), [])
        gate = asyncio.Semaphore(_AT_ONCE)
        ends = await asyncio.gather(
            *(self._accept_one(found, member, tally, gate) for member in waiting),
            return_exceptions=True,
        )
        for failed in filter(None, ends):
            raise failed
        await self._tell(found, tally)
        await self._store.delete_prefix(
            artifacts.member_prefix(found.document_id, found.generation)
        )

    async def _known(self, found: ChildrenFound, members: Sequence[Member]) -> set[UUID]:
        ids = [child_id(found.document_id, member.position) for member in members]
        async with self._database.transaction() as tx:
            return await family.known(tx, ids)

    async def _accept_one(
        self, found: ChildrenFound, member: Member, tally: _Tally, gate: asyncio.Semaphore
    ) -> None:
        async with gate:
            if tally.gone:
                return
            new = _new(found, member, self._clock)
            try:
                await self._admission.check(found.owner, size_bytes=member.size_bytes)
                await self._accept(new, member, tally)
            except RefusedError as error:
                refused = RefusedChild(position=member.position, path=member.path, code=error.code)
                tally.refused.append(refused)
                metrics.CHILDREN.labels("refused").inc()
                await self._discard(new)

    async def _accept(self, new: NewDocument, member: Member, tally: _Tally) -> None:
        try:
            outcome = await self._acceptor.accept_child(new, _Stored(self._store, new, member))
        except ObjectMissingError:
            # Another replica has worked on the same record, and is done with it.
            tally.gone = True
            return
        accepted = isinstance(outcome, Accepted)
        tally.children += accepted
        metrics.CHILDREN.labels("accepted" if accepted else "unwanted").inc()
        if not (isinstance(outcome, Accepted) and outcome.object_key == new.object_key):
            await self._discard(new)

    async def _discard(self, new: NewDocument) -> None:
        """Remove what was put in place for the child, or by a run that was killed; if unneeded."""
        async with self._database.transaction() as tx:
            await lock_document(tx, new.document_id)
            if not await contents.referenced(tx, [new.object_key]):
                await self._store.delete(new.object_key)

    async def _tell(self, found: ChildrenFound, tally: _Tally) -> None:
        """Tell once what became of the files: in the parent's history, and to everybody."""
        fact = ChildrenAccepted(
            document_id=found.document_id,
            owner=found.owner,
            generation=found.generation,
            seq=found.seq,
            children=tally.children,
            refused_count=len(tally.refused),
            refused=tuple(sorted(tally.refused, key=lambda one: one.position)[:_MOST_REFUSED]),
            accepted_at=self._clock.now(),
        )
        async with self._database.transaction() as tx:
            await lock_document(tx, found.document_id)
            there = await documents.find(tx, found.document_id, owner=found.owner)
            if there is not None and await document_events.append_new(tx, fact):
                await self._outbox.publish(tx, topics.EVENTS, fact)


def _new(found: ChildrenFound, member: Member, clock: Clock) -> NewDocument:
    return NewDocument(
        document_id=child_id(found.document_id, member.position),
        owner=found.owner,
        filename=_filename(member),
        content_type=member.media_type,
        size_bytes=member.size_bytes,
        sha256=member.sha256,
        priority=found.priority,
        options=found.options,
        metadata={"path": member.path},
        accepted_at=clock.now(),
        lineage=Lineage(
            parent_id=found.document_id,
            depth=found.depth,
            members_left=member.members_left,
            bytes_left=member.bytes_left,
        ),
        found_in_generation=found.generation,
    )


def _filename(member: Member) -> str:
    """Return a name that can be kept: in some containers it is dots, or nothing."""
    try:
        return clean_filename(member.filename)
    except FieldInvalidError:
        return f"member-{member.position}"


def _decoded(record: ReceivedRecord) -> ChildrenFound | None:
    try:
        event = codec.decode(record.value, record.headers)
    except UndecodableRecordError as error:
        place = {"topic": record.topic, "offset": record.offset}
        logger.error("children.undecodable", extra={**place, "error": str(error)})  # noqa: TRY400
        return None
    return event if isinstance(event, ChildrenFound) else None
