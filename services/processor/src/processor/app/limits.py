"""What the settings allow: to one document, to one child, and to all that run at once."""

from typing import Final

from processor.machine import memory_bytes
from processor.memory import Memory
from processor.sandbox.limits import SandboxLimits
from processor.settings import ChildSettings, ProcessorSettings
from processor.stages.task import DocumentLimits

_SHARE_OF_MEMORY: Final = 0.7
"""The rest is for this process, and for what else runs on the machine."""


def document_limits(settings: ProcessorSettings) -> DocumentLimits:
    """Return how much one document may unfold into."""
    child = settings.child.model_dump(include=set(DocumentLimits.model_fields))
    return DocumentLimits(**child, **settings.containers.model_dump())


def sandbox_limits(settings: ChildSettings) -> SandboxLimits:
    """Return what one child may take before it is killed."""
    return SandboxLimits(
        memory_bytes=settings.memory_bytes,
        soft_memory_bytes=settings.memory_soft_bytes,
        total_s=settings.total_s,
        no_progress_s=settings.no_progress_s,
    )


def memory_admission(settings: ProcessorSettings) -> Memory:
    """Return what admits documents by the memory they will want."""
    slots = settings.processor
    share = int(memory_bytes() * _SHARE_OF_MEMORY)
    return Memory(
        budget_bytes=slots.memory_budget_bytes or share,
        limit_bytes=settings.child.memory_bytes,
        patience_s=slots.memory_patience_s,
    )
