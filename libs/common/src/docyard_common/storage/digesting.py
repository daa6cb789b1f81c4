"""Finds the SHA-256 of an object: several ranges on their way, hashed in their order."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Final

from docyard_common.storage.port import ObjectDigest, ObjectPrefix

_RANGE_BYTES: Final = 4 * 1024 * 1024
_RANGES_AHEAD: Final = 3

Read = Callable[[int, int], Awaitable[bytes]]
"""Returns the bytes from an offset on, as many as are asked for."""
Run = Callable[[Callable[[], None]], Awaitable[None]]
"""Makes a blocking call off the event loop."""


async def digest(
    read: Read,
    run: Run,
    *,
    size_bytes: int,
    head_bytes: int,
    after: ObjectPrefix | None = None,
) -> ObjectDigest:
    """Return the digest of *size_bytes* bytes; what is known by *after* is not read.

    Holds four ranges of 4 MiB at most. A prefix longer than the object counts for nothing.
    """
    if after is None or after.size_bytes > size_bytes:
        after = ObjectPrefix(0, hashlib.sha256(), b"")
    hasher, head = after.hasher.copy(), after.head[:head_bytes]
    starts = iter(range(after.size_bytes, size_bytes, _RANGE_BYTES))

    def begin(start: int) -> asyncio.Future[bytes]:
        return asyncio.ensure_future(read(start, min(_RANGE_BYTES, size_bytes - start)))

    flying = deque(begin(start) for start in islice(starts, _RANGES_AHEAD))
    try:
        while flying:
            data = await flying.popleft()
            flying.extend(begin(start) for start in islice(starts, 1))
            head += data[: head_bytes - len(head)]
            await run(partial(hasher.update, data))
    finally:
        for late in flying:
            late.cancel()
    return ObjectDigest(size_bytes, hasher.hexdigest(), head)
