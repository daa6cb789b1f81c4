"""What `docyard doctor` looks at on this machine: the stack's parts, disk, memory, and OCR."""

import shutil
from pathlib import Path
from typing import Final

import psutil

from docyard.diagnosis.finding import Finding, failed, ok, warning
from docyard_stack import status
from docyard_stack.folder import StackFolder
from docyard_stack.record import PartState, StackRecord
from docyard_stack.status import PartStatus

_MIB: Final = 1024 * 1024
_DISK_LEAST: Final = 1024 * _MIB
_DISK_LITTLE: Final = 5 * 1024 * _MIB
_MEMORY_LITTLE: Final = 512 * _MIB
"""Less than one document may use, with its service's own."""


def findings(data: Path) -> list[Finding]:
    """Look at the stack in *data*; nothing where none ever was."""
    folder = StackFolder(data)
    record = folder.load()
    if record is None:
        return []
    return [*_parts(folder, record), _disk(folder.path), _memory(), *_tools()]


def _parts(folder: StackFolder, record: StackRecord) -> list[Finding]:
    if not status.is_running(record):
        why = record.failure
        detail = f"no stack runs in {folder.path}"
        if why is not None:
            detail += f"; its last start failed at {why.part}: {why.reason}, see {why.log}"
        return [failed("stack", detail, "Start it with `docyard up`.")]
    return [_part(part) for part in status.parts(folder)]


def _part(part: PartStatus) -> Finding:
    check = f"part {part.name}"
    see = f"`docyard logs {part.name}` says why."
    if part.state is PartState.EXTERNAL:
        return ok(check, "runs elsewhere")
    if part.state is not PartState.READY:
        return failed(check, f"is {part.state}", see)
    if part.restarts:
        return warning(check, f"runs, and was started again {part.restarts} times", see)
    return ok(check, f"runs as process {part.pid}")


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    detail = f"{free / _MIB:,.0f} MiB free at {path}"
    advice = "Make room: no server can write on a full disk."
    if free < _DISK_LEAST:
        return failed("disk", detail, advice)
    return warning("disk", detail, advice) if free < _DISK_LITTLE else ok("disk", detail)


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    detail = f"{free / _MIB:,.0f} MiB free"
    advice = "A document may need more: close something, or lower CHILD__MEMORY_BYTES."
    return warning("memory", detail, advice) if free < _MEMORY_LITTLE else ok("memory", detail)


def _tools() -> list[Finding]:
    if shutil.which("tesseract"):
        return [ok("ocr", "tesseract is installed")]
    advice = "Install tesseract-ocr and its languages, then process the pictures once more."
    return [warning("ocr", "tesseract is not installed: pictures of text are not read", advice)]
