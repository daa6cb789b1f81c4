"""Large files through ingest: parts in parallel, each sent again alone after what broke off."""

import asyncio

from docyard.errors import RefusedError
from docyard.models import Accepted
from docyard.parts import ByteCounter, FilePart, send_each
from docyard.sessions import PASSING, URL, Opened, Sessions, Standing, Task
from docyard.transport import Request


class ChunkedUploads:
    """Sends files in parts. Safe to share between tasks."""

    def __init__(self, sessions: Sessions, *, parallel_parts: int) -> None:
        self._sessions = sessions
        self._at_once = parallel_parts

    async def send(self, task: Task) -> Accepted:
        """Send the file, or what is missing of it since an earlier try.

        A file of known content answers its document at once. Raises what `Transport.fetch` does,
        and OSError.
        """
        standing = await self._sessions.standing(task.noted)
        if standing is None:
            opened = await self._sessions.open(task, "initiate", Opened)
            if known := opened.known():
                return known
            task.noted.note(opened.upload_id or "", via="chunked")
            standing = await self._sessions.standing(task.noted)
        if standing is None:
            raise FileNotFoundError("the upload vanished right after it was opened")
        try:
            return await self._finish(task, standing)
        except RefusedError:
            task.noted.forget()
            raise

    async def _finish(self, task: Task, standing: Standing) -> Accepted:
        counter = ByteCounter(task.on_bytes, standing.received_bytes)

        async def send(number: int) -> None:
            await self._send(task, number, standing.chunk_size, counter)

        missing = standing.missing_parts
        if missing[:1] == (1,):
            # It is judged by its first bytes: what is refused costs one part, and says why.
            await send_each((1,), send, at_once=1)
            missing = missing[1:]
        return await self._sessions.finish(
            task.noted, missing, lambda left: send_each(left, send, at_once=self._at_once)
        )

    async def _send(self, task: Task, number: int, chunk_size: int, counter: ByteCounter) -> None:
        part = FilePart(task.path, (number - 1) * chunk_size, chunk_size)
        sha256, length = await asyncio.to_thread(part.digest, "sha256")
        request = Request(
            "PUT",
            f"{URL}/{task.noted.upload_id}/parts/{number}",
            headers={"Content-Length": str(length), "Content-Digest": f"sha-256=:{sha256}:"},
            body=part.body(counter),
            repeat_codes=PASSING,
        )
        await self._sessions.put_part(request)
