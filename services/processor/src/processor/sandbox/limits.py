"""What a child may use before it is ended."""

from typing import Final

from pydantic import Field

from processor.stages.task import Value

_MIB: Final = 1024 * 1024


class SandboxLimits(Value):
    """Bounds of one document's run in its child, and of the child's own life."""

    memory_bytes: int = Field(default=2048 * _MIB, ge=64 * _MIB)
    """Hard cap on what a document adds: address space by the kernel, resident size by samples."""
    soft_memory_bytes: int = Field(default=1500 * _MIB, ge=64 * _MIB)
    """A child that has ever been larger is replaced once its document is done."""
    growth_bytes: int = Field(default=256 * _MIB, gt=0)
    """A child that keeps this much more than it began with is replaced: something leaks."""
    documents_per_child: int = Field(default=200, ge=1)
    """Bounds what a parser may leave behind; a fresh child costs some 15 ms."""
    total_s: float = Field(default=3600.0, gt=0)
    no_progress_s: float = Field(default=300.0, gt=0)
    """Time without a finished page: a loop, or a page that nobody wants to wait for."""
    cpu_s: int = Field(default=3600, ge=1)
    """Processor seconds per document, enforced by the kernel even if the parent is stopped."""
    file_bytes: int = Field(default=4096 * _MIB, ge=0)
    """Largest file the child may write."""
    open_files: int = Field(default=256, ge=16)
    kill_grace_s: float = Field(default=2.0, ge=0)
    """Between SIGTERM and SIGKILL; a cancelled document must be dead within five seconds."""
    max_frame_bytes: int = Field(default=64 * _MIB, ge=1024)
    """Largest message of a child: a batch of pages is far below, and the parent must not grow."""
