"""A request's body as it is read for an upload: never endless, never waiting for ever."""

import asyncio
from collections.abc import AsyncIterator

from ingest.errors import UploadStalledError


async def watched(body: AsyncIterator[bytes], *, idle_timeout_s: float) -> AsyncIterator[bytes]:
    """Yield the chunks of *body* that hold bytes.

    Raises UploadStalledError when none comes for *idle_timeout_s*.
    """
    while True:
        try:
            async with asyncio.timeout(idle_timeout_s):
                chunk = await anext(body, None)
        except TimeoutError as error:
            raise UploadStalledError(
                f"Nothing was received for {idle_timeout_s:g} seconds."
            ) from error
        if chunk is None:
            return
        if chunk:
            yield chunk
