"""The child: takes one assignment after the other from its socket, and runs the stage."""

import gc
import os
import signal
import socket
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from docyard_common.errors import FailureReason, PermanentError, RetryableError
from docyard_common.search.port import Chunk
from processor.sandbox import frames, hardening
from processor.stages.task import (
    Analyzed,
    Extracted,
    FoundMember,
    Indexed,
    MemberData,
    PagesReady,
    Progress,
    RunStage,
    StageResult,
    StageTask,
    Validated,
    Value,
)

_MAX_STACK_CHARACTERS: Final = 16_384
_MAX_MESSAGE_CHARACTERS: Final = 2_000
_CHUNKS_PER_FRAME: Final = 256
_TICK_S: Final = 0.1
"""Ticks closer together than this are left out: nobody can see them."""


def serve(connection: socket.socket, run_stage: RunStage, *, parent: int, folder: Path) -> None:
    """Work until the socket is closed. Called in a fresh fork, which it turns into a child.

    All that it reads and writes lies below *folder*, which is its own.
    """
    group = _settle_in(connection, parent, folder)
    address_space = hardening.address_space_bytes()
    with connection.makefile("rb") as incoming:
        while lengths := incoming.read(frames.LENGTHS.size):
            header, _ = frames.LENGTHS.unpack(lengths)
            assignment = frames.Assignment.model_validate_json(incoming.read(header))
            os.chdir(folder)
            tempfile.tempdir = str(folder)
            hardening.apply_limits(assignment.limits, address_space=address_space)
            if assignment.gives_way:
                hardening.give_way(group)
            _work(assignment.task, run_stage, SocketReport(connection))


def _settle_in(connection: socket.socket, parent: int, folder: Path) -> int | None:
    """Return the descriptor by which the child may give way later."""
    hardening.die_with(parent)
    os.setsid()
    hardening.silence_streams()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    hardening.close_descriptors(keep=connection.fileno())
    group = hardening.scheduling_group()
    hardening.give_up_privileges()
    # Without it the other walls stand; the fork server has told whether there is this one.
    hardening.confine(folder)
    return group


class SocketReport:
    """Sends what a stage tells; a slow reader blocks the stage, so nothing piles up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._last_tick = 0.0

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_tick >= _TICK_S:
            self._last_tick = now
            self.send(frames.ProgressFrame(progress=progress))

    def pages(self, batch: PagesReady) -> None:
        header = frames.PagesFrame(first=batch.first, last=batch.last, characters=batch.characters)
        self.send(header, batch.data)

    def member(self, told: MemberData | FoundMember) -> None:
        match told:
            case MemberData(position, data):
                self.send(frames.MemberDataFrame(position=position), data)
            case FoundMember():
                self.send(frames.MemberFrame(member=told))

    def send(self, header: Value, payload: bytes = b"") -> None:
        self._connection.sendall(frames.pack(header, payload))


def _work(task: StageTask, run_stage: RunStage, report: SocketReport) -> None:
    """Run the stage and send exactly one closing frame."""
    try:
        result = run_stage(task, report)
        header, payload = _closing(result, report)
    except (PermanentError, RetryableError) as error:
        permanent = isinstance(error, PermanentError)
        header, payload = _failed(error, error.reason, permanent=permanent), b""
    except MemoryError as error:
        header, payload = _failed(error, FailureReason.MEMORY_LIMIT), b""
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        header, payload = _failed(error, FailureReason.UNFORESEEN_ERROR), b""
    report.send(header, payload)
    gc.collect()


def _closing(result: StageResult, report: SocketReport) -> tuple[Value, bytes]:
    match result:
        case Validated(media_type, page_count):
            return frames.ValidatedFrame(media_type=media_type, page_count=page_count), b""
        case Extracted():
            return _extracted(result), result.thumbnail or b""
        case Analyzed(analysis, excerpt):
            return frames.AnalyzedFrame(analysis=analysis, excerpt=excerpt), b""
        case Indexed(chunks):
            for start in range(0, len(chunks), _CHUNKS_PER_FRAME):
                report.send(*_chunks(chunks[start : start + _CHUNKS_PER_FRAME]))
            return frames.IndexedFrame(), b""


def _chunks(chunks: Sequence[Chunk]) -> tuple[frames.ChunksFrame, bytes]:
    matrix = np.asarray([chunk.embedding for chunk in chunks], dtype="<f4")
    texts = tuple(
        frames.ChunkText(
            ordinal=chunk.ordinal,
            text=chunk.text,
            page_first=chunk.page_first,
            page_last=chunk.page_last,
            heading=chunk.heading,
            start=chunk.start,
            end=chunk.end,
        )
        for chunk in chunks
    )
    return frames.ChunksFrame(chunks=texts, dimensions=matrix.shape[1]), matrix.tobytes()


def _extracted(result: Extracted) -> frames.ExtractedFrame:
    return frames.ExtractedFrame(
        media_type=result.media_type,
        page_count=result.page_count,
        characters=result.characters,
        page_errors=result.page_errors,
        extractor=result.extractor,
        metadata=result.metadata,
    )


def _failed(
    error: BaseException, reason: FailureReason, *, permanent: bool = False
) -> frames.FailedFrame:
    unforeseen = reason is FailureReason.UNFORESEEN_ERROR
    message = f"{type(error).__name__}: {error}" if unforeseen else str(error)
    return frames.FailedFrame(
        reason=reason,
        permanent=permanent,
        message=message[:_MAX_MESSAGE_CHARACTERS],
        stack="".join(traceback.format_exception(error))[-_MAX_STACK_CHARACTERS:],
    )
