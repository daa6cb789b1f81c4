"""The object store over S3, by the `minio` SDK: SeaweedFS, MinIO, Ceph and AWS alike."""

import asyncio
import copy
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Final

from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from urllib3 import BaseHTTPResponse

from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from docyard_common.settings import ObjectStoreSettings
from docyard_common.storage.blocking import BlockingCalls, http_pool
from docyard_common.storage.digesting import digest
from docyard_common.storage.port import (
    BucketRefusedError,
    ObjectDigest,
    ObjectExistsError,
    ObjectPrefix,
    ObjectStat,
    OpenMultipart,
    StoredPart,
)
from docyard_common.storage.responses import object_stat, reading, refusal, release, verified_sha256

_PIECE_BYTES: Final = 1024 * 1024
_DIGESTS: Final = 4
"""Objects hashed at once: each holds a few ranges in memory, and a thread that hashes."""
_LIST_PAGE: Final = 1000
_REDIRECTS_AND_ERRORS: Final = 300
_BUCKET_REFUSED: Final = frozenset({"AccessDenied", "AllAccessDisabled", "InvalidBucketName"})


class MinioObjectStore:
    """An ObjectStore over S3.

    Creating, joining and aborting multipart uploads are underscore methods of the SDK: they are
    used here only, and the contract tests hold them.
    """

    def __init__(self, settings: ObjectStoreSettings, *, threads: int = 16) -> None:
        self._bucket = settings.bucket
        self._http = http_pool(threads=threads)
        self._calls = BlockingCalls(threads=threads)
        self._digesting = asyncio.Semaphore(_DIGESTS)
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key.get_secret_value(),
            secure=settings.secure,
            region=settings.region,
            http_client=self._http,
        )

    def in_bucket(self, bucket: str) -> "MinioObjectStore":
        """Return the same store with another bucket: it shares connections, threads and end."""
        other = copy.copy(self)
        other._bucket = bucket  # noqa: SLF001 - one of us
        return other

    def close(self) -> None:
        """Drop the connections and take no more calls."""
        self._calls.close()
        self._http.clear()

    async def put(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> str:
        headers = {"Content-Type": content_type}
        return await self._calls.run(lambda: self._send(key, data, headers=headers))

    async def put_new(
        self, key: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> bool:
        headers = {"Content-Type": content_type, "If-None-Match": "*"}
        try:
            await self._calls.run(lambda: self._send(key, data, headers=headers))
        except ObjectExistsError:
            return False
        return True

    async def get(self, key: str) -> bytes:
        return await self._calls.run(partial(self._read_whole, key))

    async def stream(
        self, key: str, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        response = await self._calls.run(partial(self._open, key, offset, length))
        if response is None:
            return
        try:
            while piece := await self._calls.run(partial(response.read, _PIECE_BYTES)):
                yield piece
        finally:
            # Closing waits for a read in progress: never on the event loop.
            self._calls.forget(partial(release, response))

    async def download(self, key: str, path: Path) -> str:
        abandoned = threading.Event()
        try:
            return await self._calls.run(partial(self._copy_to, key, path, abandoned))
        finally:
            abandoned.set()

    async def digest(
        self, key: str, *, head_bytes: int, after: ObjectPrefix | None = None
    ) -> ObjectDigest:
        async def read(offset: int, length: int) -> bytes:
            return await self._calls.run(partial(self._read_range, key, offset, length))

        async with self._digesting:
            size_bytes, verified = await self._calls.run(partial(self._checked, key))
            if verified is not None:
                head = await read(0, min(head_bytes, size_bytes)) if size_bytes else b""
                return ObjectDigest(size_bytes, verified, head)
            return await digest(
                read, self._calls.run, size_bytes=size_bytes, head_bytes=head_bytes, after=after
            )

    async def stat(self, key: str) -> ObjectStat:
        return await self._calls.run(
            lambda: object_stat(self._client.stat_object(self._bucket, key))
        )

    async def list(self, prefix: str) -> AsyncIterator[ObjectStat]:
        objects = self._objects(prefix)
        while page := await self._calls.run(lambda: list(islice(objects, _LIST_PAGE))):
            for found in page:
                yield found

    async def copy(self, source: str, target: str) -> None:
        origin = CopySource(self._bucket, source)
        await self._calls.run(lambda: self._client.copy_object(self._bucket, target, origin))

    async def delete(self, key: str) -> None:
        await self._calls.run(lambda: self._client.remove_object(self._bucket, key))

    async def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise ValueError("an empty prefix would remove everything")
        return await self._calls.run(partial(self._remove_all, prefix))

    async def start_multipart(self, key: str, *, content_type: str) -> str:
        create = self._client._create_multipart_upload  # noqa: SLF001 - see the class
        return await self._calls.run(
            lambda: create(self._bucket, key, {"Content-Type": content_type})
        )

    async def put_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        query = {"partNumber": str(number), "uploadId": upload_id}
        return await self._calls.run(lambda: self._send(key, data, query=query))

    async def list_parts(self, key: str, upload_id: str) -> Sequence[StoredPart]:
        return await self._calls.run(lambda: list(self._parts(key, upload_id)))

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]]
    ) -> None:
        join = self._client._complete_multipart_upload  # noqa: SLF001 - see the class
        listed = [Part(number, etag) for number, etag in parts]
        try:
            await self._calls.run(lambda: join(self._bucket, key, upload_id, listed))
        except ObjectMissingError:
            await self.stat(key)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        abort = self._client._abort_multipart_upload  # noqa: SLF001 - see the class
        try:
            await self._calls.run(lambda: abort(self._bucket, key, upload_id))
        except ObjectMissingError:
            return

    async def open_multiparts(self, prefix: str) -> Sequence[OpenMultipart]:
        listed = self._client._list_multipart_uploads  # noqa: SLF001 - see the class
        # One page: the SDK loses the marker of the next one.
        answer = await self._calls.run(lambda: listed(self._bucket, prefix=prefix))
        return [
            OpenMultipart(upload.object_name, upload.upload_id, upload.initiated_time)
            for upload in answer.uploads
            if upload.upload_id and upload.initiated_time
        ]

    async def ensure_bucket(self) -> None:
        await self._calls.run(self._make_bucket)

    def _send(
        self,
        key: str,
        data: bytes,
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> str:
        """PUT by a presigned URL, which signs no payload: the SDK's own PUT hashes every byte.

        What the bytes are is checked end to end, by the SHA-256 that travels in the events.
        """
        url = self._client.get_presigned_url(
            "PUT", self._bucket, key, timedelta(hours=1), extra_query_params=dict(query or {})
        )
        sized = {**(headers or {}), "Content-Length": str(len(data))}
        response = self._http.urlopen("PUT", url, body=BytesIO(data), headers=sized)
        if response.status >= _REDIRECTS_AND_ERRORS:
            raise refusal(response, key)
        return response.headers.get("etag", "").strip('"')

    def _read_whole(self, key: str) -> bytes:
        with reading(self._client.get_object(self._bucket, key)) as response:
            return response.read()

    def _checked(self, key: str) -> tuple[int, str | None]:
        """Return the object's size, and its SHA-256 where the store itself has verified it."""
        asked: dict[str, str | list[str] | tuple[str]] = {"x-amz-checksum-mode": "ENABLED"}
        found = self._client.stat_object(self._bucket, key, extra_headers=asked)
        return found.size or 0, verified_sha256(found.metadata or {})

    def _read_range(self, key: str, offset: int, length: int) -> bytes:
        found = self._client.get_object(self._bucket, key, offset=offset, length=length)
        with reading(found) as response:
            return response.read(length)

    def _open(self, key: str, offset: int, length: int | None) -> BaseHTTPResponse | None:
        if length is not None and length <= 0:
            self._client.stat_object(self._bucket, key)
            return None
        try:
            return self._client.get_object(self._bucket, key, offset=offset, length=length or 0)
        except S3Error as error:
            if error.code == "InvalidRange":
                return None
            raise

    def _copy_to(self, key: str, path: Path, abandoned: threading.Event) -> str:
        digest = hashlib.sha256()
        with (
            reading(self._client.get_object(self._bucket, key)) as response,
            path.open("wb") as file,
        ):
            while not abandoned.is_set() and (piece := response.read(_PIECE_BYTES)):
                digest.update(piece)
                file.write(piece)
        return digest.hexdigest()

    def _parts(self, key: str, upload_id: str) -> Iterator[StoredPart]:
        list_page = self._client._list_parts  # noqa: SLF001 - see the class
        marker: str | None = None
        while True:
            page = list_page(self._bucket, key, upload_id, part_number_marker=marker)
            for part in page.parts:
                yield StoredPart(part.part_number, part.size or 0, part.etag.strip('"'))
            if not page.is_truncated:
                return
            marker = str(page.next_part_number_marker)

    def _objects(self, prefix: str) -> Iterator[ObjectStat]:
        found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
        return (object_stat(item) for item in found if not item.is_dir)

    def _remove_all(self, prefix: str) -> int:
        keys = [found.key for found in self._objects(prefix)]
        errors = self._client.remove_objects(self._bucket, [DeleteObject(key) for key in keys])
        for error in errors:
            raise DependencyUnavailableError("object_store", f"{error.code}: {error.message}")
        return len(keys)

    def _make_bucket(self) -> None:
        try:
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code in _BUCKET_REFUSED:
                raise BucketRefusedError(f"the store refuses the bucket: {error.code}") from error
            if error.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
                raise
