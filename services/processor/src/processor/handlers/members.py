"""Takes the files that a child finds inside a container, and puts them into the object store."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from typing import Final

from docyard_common import artifacts
from docyard_common.artifacts import Member, MemberList
from docyard_common.errors import DependencyUnavailableError
from docyard_common.media_types import CONTAINERS
from docyard_common.storage.port import ObjectStore
from docyard_common.work.model import WorkKey
from processor.sandbox.errors import ChildCrashedError
from processor.stages.task import Budget, FoundMember, MemberData

logger = logging.getLogger(__name__)

_PART_BYTES: Final = 8 * 1024 * 1024
_ABORTING: Final[set[asyncio.Task[None]]] = set()
"""The event loop alone does not hold them."""


class MemberStore:
    """The files of one run. Keys are numbers: nothing is ever called as the container calls it.

    A run is the task that calls `take`. However it ends inside a file, cancelled or by an error,
    what is open of that file is aborted behind it. A kill -9 leaves objects below the container's
    own prefix, which the next run writes again and erasing the container removes, and perhaps an
    open multipart upload, which no listing shows and no erasing reaches: the sweep of ingest
    aborts it by its age.
    """

    def __init__(self, objects: ObjectStore, *, key: WorkKey, budget: Budget) -> None:
        self._objects = objects
        self._key = key
        self._budget = budget
        self._bytes = 0
        self._found: list[tuple[FoundMember, StoredMember]] = []
        self._upload: _Upload | None = None
        self._run: asyncio.Task[object] | None = None

    @property
    def count(self) -> int:
        return len(self._found)

    async def take(self, told: MemberData | FoundMember) -> None:
        """Go on with what the child tells. Raises ChildCrashedError for what it may not tell."""
        match told:
            case MemberData(position, data):
                await self._write(position, data)
            case FoundMember():
                await self._end(told)

    async def close(self) -> str | None:
        """Store the list of the files, and return its key; None where there are none."""
        if not self._found:
            return None
        key = artifacts.members_key(self._key.document_id, self._key.generation)
        await self._objects.put(key, artifacts.dump(MemberList(members=self._members())))
        return key

    async def _write(self, position: int, data: bytes) -> None:
        # The child keeps to its budget; this holds for one that somebody has taken over.
        self._bytes += len(data)
        if self._bytes > self._budget.bytes + _PART_BYTES or self.count >= self._budget.members:
            raise ChildCrashedError("the child sent more files than it may")
        self._watch()
        if self._upload is None:
            key = artifacts.member_key(self._key.document_id, self._key.generation, position)
            self._upload = _Upload(self._objects, key, position)
        if self._upload.position != position:
            raise ChildCrashedError("the child began a file before another had ended")
        await self._upload.write(data)

    async def _end(self, found: FoundMember) -> None:
        upload = self._upload
        if upload is None or upload.position != found.position:
            raise ChildCrashedError("the child ended a file that it had not begun")
        if found.skipped is not None or found.media_type is None:
            await upload.discard()
        else:
            self._found.append((found, await upload.finish(found.media_type.value)))
        self._upload = None

    def _watch(self) -> None:
        """Hear of the end of the run: it may come between two calls, while the child is silent."""
        if self._run is None and (task := asyncio.current_task()) is not None:
            self._run = task
            task.add_done_callback(self._on_end)

    def _on_end(self, run: asyncio.Task[object]) -> None:
        if self._upload is not None and self._upload.is_open:
            # Beside the run that has ended: a cancel does not wait for a store that is away.
            aborting = run.get_loop().create_task(_abort(self._upload))
            _ABORTING.add(aborting)
            aborting.add_done_callback(_ABORTING.discard)

    def _members(self) -> tuple[Member, ...]:
        shares = _Shares(
            members=self._budget.members - self.count,
            bytes=self._budget.bytes - sum(stored.size_bytes for _, stored in self._found),
            containers_bytes=sum(
                stored.size_bytes for found, stored in self._found if found.media_type in CONTAINERS
            ),
        )
        return tuple(_member(found, stored, shares) for found, stored in self._found)


@dataclass(frozen=True)
class StoredMember:
    """What was counted and hashed on the way: a child's own word is not believed."""

    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class _Shares:
    """What is left of the budget, divided over the containers inside by their size.

    So whatever they hold, all documents that ever come out of one upload stay within its budget.
    """

    members: int
    bytes: int
    containers_bytes: int

    def of(self, size_bytes: int) -> tuple[int, int]:
        """Return members and bytes for a container of *size_bytes*; each may hold one at least."""
        members = -(-max(self.members, 0) * size_bytes // max(self.containers_bytes, 1))
        return members, max(self.bytes, 0) * size_bytes // max(self.containers_bytes, 1)


def _member(found: FoundMember, stored: StoredMember, shares: _Shares) -> Member:
    assert found.media_type is not None  # noqa: S101 - others are not kept
    inside = found.media_type in CONTAINERS
    members_left, bytes_left = shares.of(stored.size_bytes) if inside else (0, 0)
    return Member(
        position=found.position,
        path=found.path,
        filename=found.filename,
        media_type=found.media_type.value,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        key=stored.key,
        members_left=members_left,
        bytes_left=bytes_left,
    )


async def _abort(upload: "_Upload") -> None:
    try:
        await upload.discard()
    except DependencyUnavailableError as error:
        logger.warning("member.abort_postponed", extra={"error": str(error)})


class _Upload:
    """One file on its way: by one put where it fits into a part, else by a multipart upload."""

    def __init__(self, objects: ObjectStore, key: str, position: int) -> None:
        self.position = position
        self._objects = objects
        self._key = key
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._filling = bytearray()
        self._upload_id: str | None = None
        self._parts: list[tuple[int, str]] = []

    @property
    def is_open(self) -> bool:
        return self._upload_id is not None

    async def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._size_bytes += len(data)
        self._filling += data
        if len(self._filling) > _PART_BYTES:
            await self._send_part()

    async def finish(self, content_type: str) -> StoredMember:
        if self._upload_id is None:
            await self._objects.put(self._key, bytes(self._filling), content_type=content_type)
        else:
            await self._send_part()
            await self._objects.complete_multipart(self._key, self._upload_id, self._parts)
        return StoredMember(self._key, self._size_bytes, self._digest.hexdigest())

    async def discard(self) -> None:
        if self._upload_id is not None:
            await self._objects.abort_multipart(self._key, self._upload_id)

    async def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = await self._objects.start_multipart(
                self._key, content_type="application/octet-stream"
            )
        data, self._filling = bytes(self._filling), bytearray()
        number = len(self._parts) + 1
        etag = await self._objects.put_part(self._key, self._upload_id, number, data)
        self._parts.append((number, etag))
