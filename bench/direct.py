"""Direct multipart puts into the store: what uploads through ingest are held against."""

import asyncio

from bench.ingest_process import PART_BYTES, Content
from bench.servers import Place
from bench.transfers import Way

from docyard_common.storage import MinioObjectStore

AT_ONCE = 3


def sdk_put(at: Place) -> Way:
    """Put as the SDK's documentation says: parts of 8 MiB, three at once."""
    client = at.sdk()

    def send(size: int) -> str:
        put = client.put_object(
            bucket_name=at.store.bucket,
            object_name="bench",
            data=Content(size),  # type: ignore[arg-type]
            length=size,
            part_size=PART_BYTES,
            num_parallel_uploads=AT_ONCE,
        )
        return str(put.object_name)

    return Way(send, lambda key: client.remove_object(at.store.bucket, key))


def adapter_put(at: Place) -> Way:
    """Put by our own adapter, three parts at once: nothing between the bytes and the store."""
    client = at.sdk()

    def send(size: int) -> str:
        asyncio.run(_put(at, size))
        return "bench"

    return Way(send, lambda key: client.remove_object(at.store.bucket, key))


async def _put(at: Place, size: int) -> None:
    store = MinioObjectStore(at.store)
    content, slots = Content(size), asyncio.Semaphore(AT_ONCE)
    parts: list[asyncio.Task[str]] = []
    upload_id = await store.start_multipart("bench", content_type="application/pdf")

    async def put_part(number: int, data: bytes) -> str:
        try:
            return await store.put_part("bench", upload_id, number, data)
        finally:
            slots.release()

    while data := content.read():
        await slots.acquire()
        parts.append(asyncio.create_task(put_part(len(parts) + 1, data)))
    etags = await asyncio.gather(*parts)
    await store.complete_multipart("bench", upload_id, list(enumerate(etags, start=1)))
    store.close()
