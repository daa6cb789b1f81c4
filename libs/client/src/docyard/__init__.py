"""Docyard for Python: `AsyncClient`, `Client`, and what they take, return and raise.

Names are imported when they are used: the command line starts without the network libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.endpoints import Endpoints, Wanted, resolve
    from docyard.errors import (
        ApiError,
        BusyError,
        ConfigurationError,
        ConflictError,
        DocyardError,
        NotAllowedError,
        NotFoundError,
        Problem,
        ProtocolError,
        RefusedError,
        UnreachableError,
        WatchTimeoutError,
    )
    from docyard.models import (
        Accepted,
        DeadLetter,
        Document,
        FolderFile,
        FolderJob,
        Progress,
        Replay,
    )
    from docyard.resources.dead_letters import DeadLetterFilter, ReplayOrder
    from docyard.resources.documents import DocumentFilter
    from docyard.resources.folder_jobs import FolderOrder
    from docyard.retrying import RetryPolicy
    from docyard.sessions import UploadPolicy
    from docyard.synchronous.client import Client
    from docyard.uploads import Upload

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncClient",
    "BusyError",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "DeadLetter",
    "DeadLetterFilter",
    "Document",
    "DocumentFilter",
    "DocyardError",
    "Endpoints",
    "FolderFile",
    "FolderJob",
    "FolderOrder",
    "NotAllowedError",
    "NotFoundError",
    "Problem",
    "Progress",
    "ProtocolError",
    "RefusedError",
    "Replay",
    "ReplayOrder",
    "RetryPolicy",
    "UnreachableError",
    "Upload",
    "UploadPolicy",
    "Wanted",
    "WatchTimeoutError",
    "resolve",
]

_HOMES = {
    "docyard.client": ("AsyncClient",),
    "docyard.synchronous.client": ("Client",),
    "docyard.endpoints": ("Endpoints", "Wanted", "resolve"),
    "docyard.models": (
        "Accepted",
        "DeadLetter",
        "Document",
        "FolderFile",
        "FolderJob",
        "Progress",
        "Replay",
    ),
    "docyard.resources.dead_letters": ("DeadLetterFilter", "ReplayOrder"),
    "docyard.resources.documents": ("DocumentFilter",),
    "docyard.resources.folder_jobs": ("FolderOrder",),
    "docyard.retrying": ("RetryPolicy",),
    "docyard.sessions": ("UploadPolicy",),
    "docyard.uploads": ("Upload",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "docyard.errors")), name)
