"""Buckets that jobs write to: which are taken, and how one is opened.

A bucket that does not exist is created; Docyard's own bucket is nobody's destination.
"""

from collections.abc import Callable
from typing import TypeAlias

from docyard_common.storage import ObjectStore
from ingest.errors import DestinationInvalidError
from ingest.sync.names import bucket_fault, prefix_fault

OpenBucket: TypeAlias = Callable[[str], ObjectStore]


class Destinations:
    """Opens buckets of the object store by name."""

    def __init__(self, open_bucket: OpenBucket, *, own: str, default: str) -> None:
        self._open = open_bucket
        self._own = own
        self.default = default or f"{own}-sync"

    def require_allowed(self, bucket: str | None, prefix: str) -> None:
        """Raise DestinationInvalidError for names that can not be a destination."""
        if bucket is not None:
            fault = bucket_fault(bucket)
            if bucket == self._own:
                fault = "This bucket is Docyard's own; choose another one."
            _refuse(fault, field="destination_bucket")
        elif prefix:
            _refuse("It needs a destination_bucket.", field="destination_prefix")
        _refuse(prefix_fault(prefix), field="destination_prefix")

    async def opened(self, bucket: str | None) -> ObjectStore | None:
        """Return the bucket, created if it was missing; None for none.

        Raises BucketRefusedError, or DependencyUnavailableError.
        """
        if bucket is None:
            return None
        store = self._open(bucket)
        await store.ensure_bucket()
        return store

    async def check(self, bucket: str | None) -> None:
        """Return when the store answers. Raises as `opened`."""
        await self._open(bucket or self._own).ensure_bucket()


def _refuse(fault: str | None, *, field: str) -> None:
    if fault is not None:
        raise DestinationInvalidError(fault, field=field)


async def abort_uploads(store: ObjectStore, key: str) -> None:
    """End every multipart upload of *key*."""
    for upload in await store.open_multiparts(key):
        if upload.key == key:
            await store.abort_multipart(key, upload.upload_id)


async def has_any(store: ObjectStore, prefix: str) -> bool:
    """Whether anything lies under *prefix*."""
    async for _ in store.list(prefix):
        return True
    return False
