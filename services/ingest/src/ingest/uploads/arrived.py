"""Which parts of a presigned upload have come: only the store knows."""

from docyard_common.errors import ObjectMissingError
from docyard_common.storage import ObjectStore
from ingest.upload import Part, Upload


async def arrived(store: ObjectStore, upload: Upload) -> tuple[Part, ...]:
    """Return the parts that lie in the store with the size they must have.

    A whole object counts as all of them: somebody has joined it, or it came by a single put.
    """
    if upload.multipart_id is not None:
        try:
            listed = await store.list_parts(upload.object_key, upload.multipart_id)
        except ObjectMissingError:
            return await _whole(store, upload)
        parts = (Part(part.number, part.size_bytes, "", part.etag) for part in listed)
        return tuple(part for part in parts if _fits(upload, part))
    return await _whole(store, upload)


async def _whole(store: ObjectStore, upload: Upload) -> tuple[Part, ...]:
    try:
        stat = await store.stat(upload.object_key)
    except ObjectMissingError:
        return ()
    if upload.multipart_id is None:
        return (Part(1, stat.size_bytes, "", stat.etag),)
    numbers = range(1, (upload.total_parts or 0) + 1)
    return tuple(Part(number, upload.bytes_of_part(number), "", "") for number in numbers)


def _fits(upload: Upload, part: Part) -> bool:
    in_range = 1 <= part.number <= (upload.total_parts or 0)
    return in_range and part.size_bytes == upload.bytes_of_part(part.number)
