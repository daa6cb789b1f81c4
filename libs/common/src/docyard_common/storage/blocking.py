"""Calls the synchronous S3 SDK from tasks, on threads of its own, and translates its errors.

The default executor is left alone: a store that hangs must not stop what else runs there.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import urllib3
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from docyard_common.errors import DependencyUnavailableError, DocyardError, ObjectMissingError
from docyard_common.storage.port import ObjectExistsError, PartsRefusedError

_Result = TypeVar("_Result")

_MISSING: Final = frozenset({"NoSuchKey", "NoSuchUpload", "NoSuchVersion"})
_PARTS_REFUSED: Final = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
_CONNECT_TIMEOUT_S: Final = 5.0
_READ_TIMEOUT_S: Final = 20.0
_SEND_PIECE_BYTES: Final = 1024 * 1024


def http_pool(*, threads: int) -> urllib3.PoolManager:
    """Return connections whose calls end within about 45 s, however the store hangs.

    urllib3 sends under the connect timeout, piece by piece: the piece is large enough to be
    fast and small enough that a slow line gets through.
    """
    return urllib3.PoolManager(
        maxsize=threads,
        timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=_READ_TIMEOUT_S),
        blocksize=_SEND_PIECE_BYTES,
        retries=urllib3.Retry(
            total=3,
            connect=2,
            read=1,
            status=2,
            other=0,
            redirect=0,
            backoff_factor=0.2,
            status_forcelist=(500, 502, 503, 504),
            # A store that asks for an hour would hold a thread for an hour.
            respect_retry_after_header=False,
        ),
    )


class BlockingCalls:
    """Runs blocking calls on at most *threads* threads."""

    def __init__(self, *, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="object-store")

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Return what *call* returns, its errors translated.

        A cancelled caller goes at once; the thread ends with the call.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, _translating, call)

    def forget(self, call: Callable[[], object]) -> None:
        """Run *call* some time soon; nobody waits for it."""
        self._threads.submit(call)

    def close(self) -> None:
        """Take no more calls; those that wait are dropped, those that run may end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _translating(call: Callable[[], _Result]) -> _Result:
    try:
        return call()
    except S3Error as error:
        raise translated(error.code, str(error.message)) from error
    except (HTTPError, MinioException) as error:
        raise DependencyUnavailableError("object_store", type(error).__name__) from error


def translated(code: str | None, message: str) -> DocyardError:
    """Return what Docyard raises for an S3 error code."""
    if code in _MISSING:
        return ObjectMissingError(message)
    if code == "PreconditionFailed":
        return ObjectExistsError(message)
    if code in _PARTS_REFUSED:
        return PartsRefusedError(message)
    return DependencyUnavailableError("object_store", f"{code}: {message}")
