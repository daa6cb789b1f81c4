"""Blobs by key: the port, the S3 adapter, the in-memory one, and one that keeps what is recent."""

from docyard_common.storage.memory import InMemoryObjectStore
from docyard_common.storage.minio import MinioObjectStore
from docyard_common.storage.port import (
    BucketRefusedError,
    ObjectDigest,
    ObjectPrefix,
    ObjectStat,
    ObjectStore,
    OpenMultipart,
    PartsRefusedError,
    PutUrls,
    StoredPart,
)
from docyard_common.storage.presigning import S3PutUrls
from docyard_common.storage.recent import RecentObjects

__all__ = [
    "BucketRefusedError",
    "InMemoryObjectStore",
    "MinioObjectStore",
    "ObjectDigest",
    "ObjectPrefix",
    "ObjectStat",
    "ObjectStore",
    "OpenMultipart",
    "PartsRefusedError",
    "PutUrls",
    "RecentObjects",
    "S3PutUrls",
    "StoredPart",
]
