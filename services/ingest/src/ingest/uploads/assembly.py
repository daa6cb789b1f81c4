"""Makes one object of what has come, whatever way it came."""

from collections.abc import Iterable, Sequence

from docyard_common.database import Database
from docyard_common.errors import ObjectMissingError
from docyard_common.storage import ObjectStore, PartsRefusedError
from ingest.errors import PartsMissingError
from ingest.tables import upload_parts
from ingest.upload import Part, Upload, UploadMode
from ingest.uploads.arrived import arrived


class Assembler:
    """Joins parts and tail. Idempotent: what is joined already is left as it is."""

    def __init__(self, *, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store

    async def assemble(self, upload: Upload) -> Sequence[Part]:
        """Make the object of a claimed upload; return the parts that it begins with.

        Raises PartsMissingError; parts that the store does not have as they are noted are
        forgotten, so that they can be sent again.
        """
        parts = await self._parts(upload)
        _require_whole(upload, parts)
        if upload.multipart_id is None:
            await self._put_tail(upload)
            return ()
        try:
            etags = [(part.number, part.etag) for part in parts]
            if upload.tail_key is not None:
                etags.append(await self._tail_part(upload, number=len(parts) + 1))
            await self._store.complete_multipart(upload.object_key, upload.multipart_id, etags)
        except PartsRefusedError as error:
            missing = await self._forget_lost(upload, parts)
            raise missing_parts(missing) from error
        except ObjectMissingError:
            await self._require_joined(upload)
        return parts

    async def _parts(self, upload: Upload) -> Sequence[Part]:
        if upload.announced.mode is UploadMode.PRESIGNED:
            return await arrived(self._store, upload)
        async with self._database.transaction() as tx:
            return await upload_parts.listed(tx, upload.upload_id)

    async def _put_tail(self, upload: Upload) -> None:
        """Store a file that never filled a part."""
        if upload.tail_key is None:
            return
        content_type = upload.announced.declared_type or "application/octet-stream"
        data = await self._store.get(upload.tail_key)
        await self._store.put(upload.object_key, data, content_type=content_type)

    async def _tail_part(self, upload: Upload, *, number: int) -> tuple[int, str]:
        assert upload.multipart_id is not None  # noqa: S101 - asked before
        data = await self._store.get(upload.tail_key or "")
        etag = await self._store.put_part(upload.object_key, upload.multipart_id, number, data)
        return number, etag

    async def _require_joined(self, upload: Upload) -> None:
        """Find the object that an earlier run has joined. Raises ObjectMissingError."""
        await self._store.stat(upload.object_key)

    async def _forget_lost(self, upload: Upload, parts: Iterable[Part]) -> list[int]:
        there = {
            part.number: part.etag
            for part in await self._store.list_parts(upload.object_key, upload.multipart_id or "")
        }
        lost = [part.number for part in parts if there.get(part.number) != part.etag]
        async with self._database.transaction() as tx:
            await upload_parts.remove(tx, upload.upload_id, lost)
        return lost


def missing_parts(numbers: Sequence[int]) -> PartsMissingError:
    """Return the refusal that names what must still be sent."""
    named = ", ".join(map(str, numbers[:20])) + (" …" if len(numbers) > 20 else "")  # noqa: PLR2004
    return PartsMissingError(f"These parts are missing: {named}.", missing=numbers)


def missing_of(upload: Upload, received: Iterable[int]) -> list[int]:
    """Return the numbers of the parts that have not come."""
    return sorted(set(range(1, (upload.total_parts or 0) + 1)) - set(received))


def _require_whole(upload: Upload, parts: Sequence[Part]) -> None:
    size = upload.announced.size_bytes
    received = sum(part.size_bytes for part in parts) + upload.tail_bytes
    if size is None or received == size:
        return
    raise missing_parts(missing_of(upload, (part.number for part in parts)))
