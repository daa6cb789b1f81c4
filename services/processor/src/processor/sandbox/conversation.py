"""What parent and child say to each other during one run, as the parent sees it."""

import asyncio
import socket
from array import array
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from pydantic import ValidationError

from docyard_common.errors import DocyardError, FailureReason, PermanentError
from docyard_common.media_types import EmptyFileError, TypeMismatchError, UnsupportedTypeError
from docyard_common.search.port import Chunk
from processor.sandbox import frames
from processor.sandbox.errors import (
    ChildCrashedError,
    ChildError,
    MemoryLimitError,
    NoProgressError,
    UnforeseenStageError,
)
from processor.sandbox.limits import SandboxLimits
from processor.stages.errors import (
    ChecksumMismatchError,
    DecompressionLimitError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnreadableDocumentError,
)
from processor.stages.task import (
    Analyzed,
    Extracted,
    FoundMember,
    Indexed,
    MemberData,
    PagesReady,
    Progress,
    StageResult,
    Validated,
)

_PERMANENT: dict[FailureReason, type[PermanentError]] = {
    kind.reason: kind
    for kind in (
        EmptyFileError,
        UnsupportedTypeError,
        TypeMismatchError,
        ChecksumMismatchError,
        DecompressionLimitError,
        DocumentTooLargeError,
        EncryptedDocumentError,
        UnreadableDocumentError,
    )
}


OnProgress: TypeAlias = Callable[[Progress], Awaitable[None]]
OnPages: TypeAlias = Callable[[PagesReady], Awaitable[None]]
OnMember: TypeAlias = Callable[[MemberData | FoundMember], Awaitable[None]]


@dataclass(frozen=True)
class Listener:
    """Who hears what a child tells while it works; it waits until that was dealt with."""

    on_progress: OnProgress
    on_pages: OnPages | None = None
    on_member: OnMember | None = None

    async def hear(self, frame: frames.Frame, payload: bytes) -> bool:
        """Pass on what *frame* tells; false for one that tells nothing on the way."""
        match frame:
            case frames.ProgressFrame(progress=progress):
                await self.on_progress(progress)
            case frames.PagesFrame():
                if self.on_pages is not None:
                    await self.on_pages(_pages(frame, payload))
            case frames.MemberDataFrame(position=position):
                if self.on_member is not None:
                    await self.on_member(MemberData(position, payload))
            case frames.MemberFrame(member=member):
                if self.on_member is not None:
                    await self.on_member(member)
            case _:
                return False
        return True


class Conversation:
    """The stream to one child; what cannot be understood ends it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limits: SandboxLimits
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._limits = limits
        self._silence: asyncio.Timeout | None = None

    @classmethod
    async def open(cls, connection: socket.socket, limits: SandboxLimits) -> "Conversation":
        """Take over *connection*."""
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        return cls(reader, writer, limits)

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def hold(
        self,
        assignment: frames.Assignment,
        listener: Listener,
    ) -> StageResult | DocyardError:
        """Give the assignment and listen to the end; returns what the child concluded.

        Raises EOFError when the child is gone, NoProgressError when it is silent for too long,
        ChildCrashedError when it talks nonsense or too much, and what the callbacks raise.
        """
        await self._give(assignment)
        chunks: list[Chunk] = []
        while True:
            frame, payload = await self._next()
            if await listener.hear(frame, payload):
                continue
            if not isinstance(frame, frames.ChunksFrame):
                return _conclusion(frame, payload, chunks)
            chunks.extend(_chunks(frame, payload))

    def excuse(self, seconds: float) -> None:
        """Let the child be silent for so much longer: it was not let work."""
        if self._silence is not None:
            postpone(self._silence, seconds)

    async def _give(self, assignment: frames.Assignment) -> None:
        try:
            self._writer.write(frames.pack(assignment))
            await self._writer.drain()
        except ConnectionError as error:
            raise EOFError from error

    async def _next(self) -> tuple[frames.Frame, bytes]:
        try:
            async with asyncio.timeout(self._limits.no_progress_s) as self._silence:
                header, payload = await self._read()
            return frames.FRAME.validate_json(header), payload
        except TimeoutError as error:
            seconds = self._limits.no_progress_s
            raise NoProgressError(f"nothing was finished for {seconds:.0f} s") from error
        except ConnectionError as error:
            raise EOFError from error
        except ValidationError as error:
            raise ChildCrashedError("the child sent what it may not") from error
        finally:
            self._silence = None

    async def _read(self) -> tuple[bytes, bytes]:
        lengths = await self._reader.readexactly(frames.LENGTHS.size)
        header, payload = frames.LENGTHS.unpack(lengths)
        if header + payload > self._limits.max_frame_bytes:
            raise ChildCrashedError(f"the child sent a message of {header + payload} bytes")
        return await self._reader.readexactly(header), await self._reader.readexactly(payload)


def postpone(limit: asyncio.Timeout, seconds: float) -> None:
    """Move a time limit that has not come yet."""
    due = limit.when()
    if due is not None and not limit.expired():
        limit.reschedule(due + seconds)


def _pages(frame: frames.PagesFrame, payload: bytes) -> PagesReady:
    return PagesReady(first=frame.first, last=frame.last, characters=frame.characters, data=payload)


def _chunks(frame: frames.ChunksFrame, payload: bytes) -> list[Chunk]:
    """Join both again. Raises ChildCrashedError when texts and embeddings do not match."""
    if len(payload) != len(frame.chunks) * frame.dimensions * 4:
        raise ChildCrashedError("the child sent embeddings of the wrong size")
    sent = np.frombuffer(payload, dtype="<f4").astype(np.float32, copy=False)
    rows = sent.reshape(len(frame.chunks), frame.dimensions)
    return [
        Chunk(
            ordinal=chunk.ordinal,
            text=chunk.text,
            page_first=chunk.page_first,
            page_last=chunk.page_last,
            heading=chunk.heading,
            # A list would take eight times as much for as long as the whole document is held.
            embedding=array("f", row.tobytes()),
            start=chunk.start,
            end=chunk.end,
        )
        for chunk, row in zip(frame.chunks, rows, strict=True)
    ]


def _conclusion(
    frame: frames.Frame, payload: bytes, chunks: list[Chunk]
) -> StageResult | DocyardError:
    match frame:
        case frames.ValidatedFrame():
            return Validated(media_type=frame.media_type, page_count=frame.page_count)
        case frames.ExtractedFrame():
            return _extracted(frame, payload)
        case frames.AnalyzedFrame():
            return Analyzed(frame.analysis, frame.excerpt)
        case frames.IndexedFrame():
            return Indexed(tuple(chunks))
        case frames.FailedFrame():
            return _error(frame)
        case _:
            raise ChildCrashedError("the child sent what does not end a run")


def _extracted(frame: frames.ExtractedFrame, payload: bytes) -> Extracted:
    return Extracted(
        media_type=frame.media_type,
        page_count=frame.page_count,
        characters=frame.characters,
        page_errors=frame.page_errors,
        extractor=frame.extractor,
        metadata=frame.metadata,
        thumbnail=payload or None,
    )


def _error(frame: frames.FailedFrame) -> PermanentError | ChildError:
    known = _PERMANENT.get(frame.reason)
    if frame.permanent and known is not None:
        error = known(frame.message)
        error.stack = frame.stack
        return error
    if frame.reason is FailureReason.MEMORY_LIMIT:
        return MemoryLimitError("the document needs more memory than it may use")
    return UnforeseenStageError(frame.message, stack=frame.stack)
