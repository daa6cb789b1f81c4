"""Bytes at the end of an upload, in requests of any size: what makes no whole part waits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from docyard_common.errors import PermanentError
from docyard_common.ids import uuid7
from docyard_common.media_types import sniff
from ingest.errors import (
    OffsetMismatchError,
    PartTooLargeError,
    UploadAbandonedError,
    UploadBusyError,
    UploadStalledError,
)
from ingest.limits.refusals import too_large
from ingest.tables import upload_appends, upload_parts, uploads
from ingest.upload import Part, Upload, UploadMode, UploadState
from ingest.uploads.body import watched
from ingest.uploads.checksums import Checksum
from ingest.uploads.desk import UploadDesk
from ingest.uploads.holding import renewed
from ingest.uploads.leftovers import tails_prefix
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.standing import require_open
from ingest.uploads.writing import Stored, Writing


class Appender:
    """Appends to uploads; of two writers the younger one goes on, the other one stops."""

    def __init__(self, *, desk: UploadDesk, sessions: UploadSessions) -> None:
        self._desk = desk
        self._sessions = sessions

    async def append(
        self,
        upload_id: UUID,
        body: AsyncIterator[bytes],
        *,
        owner: str,
        offset: int,
        checksum: Checksum | None = None,
        patient: bool = False,
    ) -> int:
        """Append *body* at *offset*; return the offset behind it.

        Whole parts are noted as they are stored; the rest is noted with the end of the body, or
        with the client's going away. With a *checksum* nothing is noted before it is verified, and
        a body that breaks off counts for nothing. With *patient* it may come as slowly as it likes:
        it is no client's.

        Raises UploadNotFoundError and what `require_open` does, OffsetMismatchError,
        PartTooLargeError (more than was announced), FileTooLargeError, ChunkHashMismatchError,
        UploadBusyError (a younger request took over), the errors of `media_types.sniff` (they end
        the upload), UploadAbandonedError, UploadStalledError or DependencyUnavailableError. A kill
        -9 costs what is not noted: the parts on their way and the one that fills, or the body that
        has a checksum.
        """
        await self._find(upload_id, owner)
        # The slot first: who has none yet must not displace a writer that has.
        async with self._desk.slots.body(owner):
            writing = await self._begin(upload_id, owner, offset)
            async with renewed(self._desk.database, upload_id, holder=writing.holder):
                await self._take(writing, body, checksum, patient=patient)
        return writing.offset

    async def _find(self, upload_id: UUID, owner: str) -> None:
        """Raise what needs no place among the others to be known."""
        upload = await self._sessions.find(upload_id, owner=owner)
        require_open(upload, now=self._desk.clock.now())

    async def _take(
        self,
        writing: Writing,
        body: AsyncIterator[bytes],
        checksum: Checksum | None,
        *,
        patient: bool,
    ) -> None:
        try:
            paced = body if patient else watched(body, self._desk.settings)
            await self._write(writing, paced, checksum)
        except PermanentError as error:
            await self._settle(writing)
            await self._refuse(writing, error)
            raise
        except BaseException:
            await asyncio.shield(self._release(writing))
            raise

    async def declare_size(self, upload_id: UUID, *, owner: str, size_bytes: int) -> None:
        """Tell the size that was deferred; telling the same again is fine.

        Raises FileTooLargeError, or PartTooLargeError when more has come or another was told.
        """
        await self._desk.admission.check(owner, size_bytes=size_bytes)
        progress = await self._sessions.progress(upload_id, owner=owner)
        require_open(progress.upload, now=self._desk.clock.now())
        known = progress.upload.announced.size_bytes
        if progress.received_bytes > size_bytes or known not in {None, size_bytes}:
            raise PartTooLargeError("The upload has more bytes, or another size, already.")
        async with self._desk.database.transaction() as tx:
            await upload_appends.declare_size(tx, upload_id, size_bytes=size_bytes)

    async def _begin(self, upload_id: UUID, owner: str, offset: int) -> Writing:
        holder = uuid7()
        limits = await self._desk.admission.limits(owner)
        async with self._desk.database.transaction() as tx:
            if not await upload_appends.take(tx, upload_id, holder=holder):
                raise UploadBusyError("The upload is being completed; ask again soon.")
        # Read behind the take: what an older writer had noted until then counts.
        progress = await self._sessions.progress(upload_id, owner=owner)
        if progress.received_bytes != offset:
            raise OffsetMismatchError(
                f"The upload has {progress.received_bytes} bytes; go on from there.",
                offset=progress.received_bytes,
            )
        upload = progress.upload
        return Writing(
            upload,
            holder,
            offset,
            largest_file=limits.max_file_bytes,
            next_part=len(progress.parts) + 1,
            tail_key=upload.tail_key,
        )

    async def _write(
        self, writing: Writing, body: AsyncIterator[bytes], checksum: Checksum | None
    ) -> None:
        if writing.tail_key is not None:
            writing.go_on_from(await self._desk.store.get(writing.tail_key))
        try:
            await self._read(writing, body, checksum)
        except (UploadAbandonedError, UploadStalledError):
            if checksum is None:
                await asyncio.shield(self._note(writing, ends=True))
            raise
        await self._note(writing, ends=True)

    async def _read(
        self, writing: Writing, body: AsyncIterator[bytes], checksum: Checksum | None
    ) -> None:
        hasher = None if checksum is None else checksum.hasher()
        partial = writing.upload.announced.mode is UploadMode.TUS_PARTIAL
        judged = partial or writing.head is not None or writing.next_part > 1
        async for chunk in body:
            self._require_room(writing, len(chunk))
            writing.take(chunk)
            if hasher is not None:
                hasher.update(chunk)
            if not judged and (head := writing.head) is not None:
                said = writing.upload.announced
                sniff(head, said.filename, said.declared_type)
                judged = True
            while writing.is_full:
                await self._land(writing, leave=self._desk.settings.parts_in_flight - 1)
                await self._send_part(writing, hashes_ahead=hasher is None)
            await self._land_done(writing)
            if writing.unnoted and hasher is None:
                await self._note(writing, ends=False)
        if checksum is not None and hasher is not None:
            checksum.compare(hasher.digest())

    def _require_room(self, writing: Writing, more: int) -> None:
        size = writing.upload.announced.size_bytes
        if size is not None and writing.offset + more > size:
            raise PartTooLargeError(f"The upload was announced with {size} bytes; this is more.")
        if writing.offset + more > writing.largest_file:
            raise too_large(writing.largest_file)

    async def _send_part(self, writing: Writing, *, hashes_ahead: bool) -> None:
        """Start the part that is full on its way; nothing more is read until it may go."""
        upload = writing.upload
        if upload.multipart_id is None:
            content_type = upload.announced.declared_type or "application/octet-stream"
            multipart_id = await self._desk.store.start_multipart(
                upload.object_key, content_type=content_type
            )
            writing.upload = upload = replace(upload, multipart_id=multipart_id)
        await self._desk.slots.stores.acquire()
        storing = self._stored(upload, *writing.cut(), keeps=hashes_ahead)
        writing.flying.append(asyncio.create_task(storing))

    async def _stored(
        self, upload: Upload, number: int, chunks: Sequence[bytes], *, keeps: bool
    ) -> Stored:
        try:
            data = await asyncio.to_thread(b"".join, chunks)
            etag = await self._desk.store.put_part(
                upload.object_key, upload.multipart_id or "", number, data
            )
        finally:
            self._desk.slots.stores.release()
        return Stored(Part(number, len(data), "", etag), data if keeps else None)

    async def _land(self, writing: Writing, *, leave: int) -> None:
        """Wait for parts on their way, the first ones first, until *leave* of them are left."""
        while len(writing.flying) > leave:
            # Shielded: a request that is cancelled still has to wait for it.
            writing.unnoted.append(await asyncio.shield(writing.flying[0]))
            writing.flying.popleft()

    async def _land_done(self, writing: Writing) -> None:
        while writing.flying and writing.flying[0].done():
            await self._land(writing, leave=len(writing.flying) - 1)

    async def _settle(self, writing: Writing) -> None:
        """Let what is on its way end: a put on a thread can not be stopped."""
        await asyncio.gather(*writing.flying, return_exceptions=True)
        writing.flying.clear()

    async def _note(self, writing: Writing, *, ends: bool) -> None:
        """Commit what is stored. Raises UploadBusyError when somebody else writes by now.

        With the end all that is on its way is waited for first.
        """
        if ends:
            await self._land(writing, leave=0)
        tail_key = await self._put_tail(writing) if ends and writing.filling else None
        tail_bytes = writing.filling_bytes if tail_key else 0
        noted = replace(writing.upload, tail_key=tail_key, tail_bytes=tail_bytes)
        if not await self._commit(noted, writing, ends=ends):
            await self._settle(writing)
            await self._lost(noted)
        stored, writing.unnoted = writing.unnoted, []
        if writing.tail_key is not None and writing.tail_key != tail_key:
            await self._desk.store.delete(writing.tail_key)
        writing.tail_key = tail_key
        for each in stored:
            if each.data is not None:
                await self._desk.hash_ahead.add(noted.upload_id, each.part, each.data)

    async def _put_tail(self, writing: Writing) -> str:
        key = f"{tails_prefix(writing.upload)}{uuid7()}"
        async with self._desk.slots.stores:
            await self._desk.store.put(key, b"".join(writing.filling))
        return key

    async def _commit(self, noted: Upload, writing: Writing, *, ends: bool) -> bool:
        expires_at = self._desk.clock.now() + timedelta(seconds=self._desk.settings.expire_after_s)
        async with self._desk.database.transaction() as tx:
            if not await upload_appends.commit(
                tx, noted, holder=writing.holder, expires_at=expires_at
            ):
                return False
            for stored in writing.unnoted:
                await upload_parts.insert(tx, noted.upload_id, stored.part)
            if ends:
                await uploads.release(tx, noted.upload_id, holder=writing.holder)
        return True

    async def _lost(self, noted: Upload) -> None:
        """Take away what nobody will find, and say why."""
        if noted.tail_key is not None:
            await self._desk.store.delete(noted.tail_key)
        current = await self._sessions.find(noted.upload_id, owner=noted.announced.owner)
        if current.multipart_id != noted.multipart_id and noted.multipart_id is not None:
            await self._desk.store.abort_multipart(noted.object_key, noted.multipart_id)
        if current.state.is_final and current.state is not UploadState.COMPLETED:
            await self._desk.leftovers.clear_soon(current)
        require_open(current, now=self._desk.clock.now())
        raise UploadBusyError("A younger request writes to this upload.")

    async def _refuse(self, writing: Writing, error: PermanentError) -> None:
        """End it. Raises as `_lost` when somebody else writes by now: the bytes are not ours."""
        async with self._desk.database.transaction() as tx:
            ended = await uploads.end(
                tx,
                writing.upload.upload_id,
                UploadState.REFUSED,
                at=self._desk.clock.now(),
                holder=writing.holder,
                refusal=error.reason.value.upper(),
            )
        if ended:
            await self._desk.leftovers.clear_soon(writing.upload)
        else:
            # The tail that was read is the row's own.
            await self._lost(replace(writing.upload, tail_key=None))

    async def _release(self, writing: Writing) -> None:
        await self._settle(writing)
        async with self._desk.database.transaction() as tx:
            await uploads.release(tx, writing.upload.upload_id, holder=writing.holder)
