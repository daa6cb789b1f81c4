"""One part of a chunked upload: whole in memory for a moment, judged, and then in the store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from docyard_common.errors import ObjectMissingError, PermanentError
from docyard_common.media_types import HEAD_BYTES, sniff
from ingest.errors import (
    PartConflictError,
    PartNumberInvalidError,
    PartSizeInvalidError,
    PartTooLargeError,
    TotalPartsMismatchError,
    UploadEndedError,
)
from ingest.tables import upload_parts, uploads
from ingest.tables.upload_parts import Tally
from ingest.upload import Part, Upload, UploadMode, UploadState
from ingest.uploads.body import watched
from ingest.uploads.checksums import Checksum
from ingest.uploads.chunk_form import PartClaim, read_chunk_form
from ingest.uploads.desk import UploadDesk
from ingest.uploads.sessions import UploadSessions
from ingest.uploads.sizing import part_bytes_for
from ingest.uploads.standing import not_found, require_open


@dataclass(frozen=True)
class Received:
    """A part that is stored, and how much of its upload has come by now."""

    upload: Upload
    number: int
    tally: Tally


class PartReceiver:
    """Takes parts in any order, in parallel, on any replica, and any number of times."""

    def __init__(self, *, desk: UploadDesk, sessions: UploadSessions) -> None:
        self._desk = desk
        self._sessions = sessions

    async def expected(self, upload_id: UUID, claim: PartClaim, *, owner: str) -> Upload:
        """Return the upload that waits for this part.

        Raises UploadNotFoundError and what `require_open` does, PartNumberInvalidError or
        TotalPartsMismatchError.
        """
        upload = await self._sessions.find(upload_id, owner=owner)
        if upload.announced.mode is not UploadMode.CHUNKED:
            raise not_found()
        require_open(upload, now=self._desk.clock.now())
        _require_agreed(upload, claim)
        return upload

    async def receive(
        self, upload: Upload, claim: PartClaim, body: AsyncIterator[bytes], *, length: int | None
    ) -> Received:
        """Read a raw body and store it, as `store` does; *length* is what its head announces."""
        limit = upload.bytes_of_part(claim.number)
        if length is not None and length > limit:
            raise _too_large(claim.number, limit)
        async with self._desk.slots.body(upload.announced.owner):
            return await self.store(upload, claim, await self._read(body, claim.number, limit))

    async def receive_form(
        self, boundary: str, body: AsyncIterator[bytes], *, owner: str
    ) -> Received:
        """Read a chunk's form and store its part, as `store` does."""
        async with self._desk.slots.body(owner):
            watched_body = watched(body, self._desk.settings)
            limits = await self._desk.admission.limits(owner)
            largest = part_bytes_for(
                None, least=self._desk.settings.part_bytes, largest_file=limits.max_file_bytes
            )
            form = await read_chunk_form(boundary, watched_body, max_part_bytes=largest)
            claim = form.claim()
            upload = await self.expected(form.upload_id, claim, owner=owner)
            return await self.store(upload, claim, form.chunks)

    async def store(self, upload: Upload, claim: PartClaim, chunks: list[bytes]) -> Received:
        """Store the part and note it; a part that is there already is not sent on again.

        Nothing reaches the store before size, hashes and, in the first part, the magic number are
        found good. Raises PartSizeInvalidError, PartTooLargeError, ChunkHashMismatchError,
        PartConflictError, the errors of `media_types.sniff` (they end the upload) or
        DependencyUnavailableError. A crash before the commit leaves a part that nobody knows of:
        sent again, it takes the other's place.
        """
        _require_size(upload, claim.number, sum(len(chunk) for chunk in chunks))
        data, sha256 = await asyncio.to_thread(_sealed, chunks, claim.checksums)
        async with self._desk.database.autocommit() as tx:
            known = await upload_parts.find(tx, upload.upload_id, claim.number)
        if known is None:
            if claim.number == 1:
                await self._judge(upload, data)
            etag = await self._put(upload, claim.number, data)
            known = await self._note(upload, Part(claim.number, len(data), sha256, etag))
        if known.sha256 != sha256:
            raise PartConflictError(
                f"Part {claim.number} came with other bytes before; cancel the upload, start again."
            )
        await self._desk.hash_ahead.add(upload.upload_id, known, data)
        return await self._received(upload, known)

    async def _received(self, upload: Upload, part: Part) -> Received:
        async with self._desk.database.autocommit() as tx:
            tally = await upload_parts.tally(tx, upload.upload_id)
        if tally is None:
            raise not_found()
        return Received(upload, part.number, tally)

    async def _read(self, body: AsyncIterator[bytes], number: int, limit: int) -> list[bytes]:
        chunks: list[bytes] = []
        received = 0
        async for chunk in watched(body, self._desk.settings):
            received += len(chunk)
            if received > limit:
                raise _too_large(number, limit)
            chunks.append(chunk)
        return chunks

    async def _judge(self, upload: Upload, data: bytes) -> None:
        said = upload.announced
        try:
            sniff(data[:HEAD_BYTES], said.filename, said.declared_type)
        except PermanentError as error:
            await self._refuse(upload, error)
            raise

    async def _refuse(self, upload: Upload, error: PermanentError) -> None:
        """End it. Raises what `require_open` does where another has: the bytes are not ours."""
        async with self._desk.database.transaction() as tx:
            ended = await uploads.end(
                tx,
                upload.upload_id,
                UploadState.REFUSED,
                at=self._desk.clock.now(),
                refusal=error.reason.value.upper(),
            )
        if ended:
            await self._desk.leftovers.clear_soon(upload)
        else:
            await self._require_open(upload)

    async def _require_open(self, upload: Upload) -> None:
        current = await self._sessions.find(upload.upload_id, owner=upload.announced.owner)
        require_open(current, now=self._desk.clock.now())

    async def _put(self, upload: Upload, number: int, data: bytes) -> str:
        assert upload.multipart_id is not None  # noqa: S101 - chunked uploads are opened with one
        try:
            async with self._desk.slots.stores:
                return await self._desk.store.put_part(
                    upload.object_key, upload.multipart_id, number, data
                )
        except ObjectMissingError as error:
            await self._require_open(upload)
            raise UploadEndedError("The store has given the upload up; start it again.") from error

    async def _note(self, upload: Upload, part: Part) -> Part:
        """Return the part of this number as it is noted: this one, or one that was faster."""
        expires_at = self._desk.clock.now() + timedelta(seconds=self._desk.settings.expire_after_s)
        async with self._desk.database.transaction() as tx:
            is_open = await uploads.touch(tx, upload.upload_id, expires_at=expires_at)
            if is_open and await upload_parts.insert(tx, upload.upload_id, part):
                return part
            known = await upload_parts.find(tx, upload.upload_id, part.number)
        if is_open and known is not None:
            return known
        # It ended meanwhile: what was just put may have come behind the end of its multipart.
        current = await self._sessions.find(upload.upload_id, owner=upload.announced.owner)
        if current.state.is_final and current.state is not UploadState.COMPLETED:
            await self._desk.leftovers.clear_soon(current)
        require_open(current, now=self._desk.clock.now())
        raise UploadEndedError("The upload has ended; start it again.")


def _require_agreed(upload: Upload, claim: PartClaim) -> None:
    total = upload.total_parts or 0
    if not 1 <= claim.number <= total:
        raise PartNumberInvalidError(f"The upload has the parts 1 to {total}.", field="part_number")
    if claim.total_parts is not None and claim.total_parts != total:
        raise TotalPartsMismatchError(
            f"The upload has {total} parts, as its opening answered.", field="total_parts"
        )
    if claim.is_final is not None and claim.is_final != (claim.number == total):
        raise TotalPartsMismatchError(
            f"Part {total} is the final one, and no other.", field="is_final_chunk"
        )


def _require_size(upload: Upload, number: int, size_bytes: int) -> None:
    expected = upload.bytes_of_part(number)
    if size_bytes > expected:
        raise _too_large(number, expected)
    if size_bytes < expected:
        raise PartSizeInvalidError(
            f"Part {number} must have {expected} bytes, but has {size_bytes}."
        )


def _too_large(number: int, limit_bytes: int) -> PartTooLargeError:
    return PartTooLargeError(f"Part {number} must have {limit_bytes} bytes, but has more.")


def _sealed(chunks: list[bytes], checksums: Sequence[Checksum]) -> tuple[bytes, str]:
    """Join the chunks, compare them with what was stated, and return their SHA-256."""
    data = b"".join(chunks)
    chunks.clear()
    for checksum in checksums:
        checksum.verify(data)
    return data, hashlib.sha256(data).hexdigest()
