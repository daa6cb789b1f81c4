"""Blobs by key: the port, the S3 adapter and the in-memory one."""

from docyard_common.storage.memory import InMemoryObjectStore
from docyard_common.storage.minio import MinioObjectStore
from docyard_common.storage.port import (
    ObjectStat,
    ObjectStore,
    OpenMultipart,
    PartsRefusedError,
)

__all__ = [
    "InMemoryObjectStore",
    "MinioObjectStore",
    "ObjectStat",
    "ObjectStore",
    "OpenMultipart",
    "PartsRefusedError",
]
