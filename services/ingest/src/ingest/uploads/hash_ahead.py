"""The SHA-256 of uploads whose parts come about in order, found while they come.

It spares reading, and decides nothing. The hash of a whole can not be put together from those of
its parts, and a hash that is half done can not leave the process: parts that another replica took,
and all that a killed one had, are read from the store when the upload is completed.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from docyard_common.media_types import HEAD_BYTES
from docyard_common.storage import ObjectPrefix
from ingest.upload import Part

_UPLOADS: Final = 512
_FURTHEST: Final = 16
"""A part this far ahead shows that one was missed here, not that one is late."""


@dataclass
class _Run:
    """What is hashed of one upload, and the parts that wait for an earlier one."""

    hasher: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    head: bytes = b""
    size_bytes: int = 0
    parts: list[Part] = field(default_factory=list)
    waiting: dict[int, tuple[Part, bytes]] = field(default_factory=dict)
    hashing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def next_part(self) -> int:
        return len(self.parts) + 1

    def take(self, part: Part, data: bytes) -> None:
        self.hasher.update(data)
        self.head += data[: HEAD_BYTES - len(self.head)]
        self.size_bytes += len(data)
        self.parts.append(part)


class HashAhead:
    """One for a process. Bounded: what there is no room for is read again later."""

    def __init__(self, *, max_waiting_bytes: int) -> None:
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting_bytes = 0
        self._runs: OrderedDict[UUID, _Run] = OrderedDict()  # the one used last comes last

    async def add(self, upload_id: UUID, part: Part, data: bytes) -> None:
        """Hash a part that is stored and noted, or keep it until those before it have come.

        Idempotent; a part that comes again is passed over.
        """
        run = self._run(upload_id)
        self._keep(run, part, data)
        async with run.hashing:
            while (found := run.waiting.get(run.next_part)) is not None:
                await asyncio.to_thread(run.take, *found)
                self._drop(run, found[0].number)

    async def prefix(self, upload_id: UUID, parts: Sequence[Part]) -> ObjectPrefix | None:
        """Return what is hashed of an upload that is made of *parts*, from the first one on.

        None where other parts were hashed, or none.
        """
        run = self._runs.get(upload_id)
        if run is None:
            return None
        async with run.hashing:
            if not run.parts or list(parts[: len(run.parts)]) != run.parts:
                return None
            return ObjectPrefix(run.size_bytes, run.hasher.copy(), run.head)

    def forget(self, upload_id: UUID) -> None:
        """Free what is kept of an upload that has ended; unknown ones are fine."""
        if (run := self._runs.pop(upload_id, None)) is not None:
            self._free(run)

    def _run(self, upload_id: UUID) -> _Run:
        run = self._runs.setdefault(upload_id, _Run())
        self._runs.move_to_end(upload_id)
        while len(self._runs) > _UPLOADS:
            _, oldest = self._runs.popitem(last=False)
            self._free(oldest)
        return run

    def _keep(self, run: _Run, part: Part, data: bytes) -> None:
        if part.number < run.next_part or part.number in run.waiting:
            return
        if part.number - run.next_part > _FURTHEST:
            self._free(run)
            return
        if part.number > run.next_part and not self._has_room(run, len(data)):
            return
        run.waiting[part.number] = (part, data)
        self._waiting_bytes += len(data)

    def _has_room(self, run: _Run, size_bytes: int) -> bool:
        """Whether so much may wait, at the cost of uploads that were not added to for longer."""
        for other in self._runs.values():
            if self._waiting_bytes + size_bytes <= self._max_waiting_bytes or other is run:
                break
            self._free(other)
        return self._waiting_bytes + size_bytes <= self._max_waiting_bytes

    def _free(self, run: _Run) -> None:
        for number in list(run.waiting):
            self._drop(run, number)

    def _drop(self, run: _Run, number: int) -> None:
        if (found := run.waiting.pop(number, None)) is not None:
            self._waiting_bytes -= len(found[1])
