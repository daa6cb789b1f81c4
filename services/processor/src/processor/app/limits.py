"""What the settings allow: to one document, to one child, and to all that run at once."""

from math import ceil
from typing import Final

from processor.courtesy import REST
from processor.machine import memory_bytes
from processor.memory import Memory
from processor.sandbox.limits import SandboxLimits
from processor.settings import ChildSettings, ProcessorSettings
from processor.stages.task import DocumentLimits

_SHARE_OF_MEMORY: Final = 0.7
"""The rest is for this process, and for what else runs on the machine."""
_ELSE_S: Final = 3600.0


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
        cpu_s=ceil(settings.total_s),
        no_progress_s=settings.no_progress_s,
    )


def run_limit_s(settings: ProcessorSettings) -> float:
    """Return after how long a run hangs: never one that only takes its time.

    Five times what its child may take, since bulky work gets a fifth of the time beside small
    documents; what a remote extractor and a language model may take; and an hour for the rest:
    fetching, copying and indexing. By default a little more than six hours.
    """
    model = settings.model.timeout_s * settings.model.document_requests
    return (1 + REST) * settings.child.total_s + settings.extractor.timeout_s + model + _ELSE_S


def memory_admission(settings: ProcessorSettings) -> Memory:
    """Return what admits documents by the memory they will want."""
    slots = settings.processor
    share = int(memory_bytes() * _SHARE_OF_MEMORY)
    return Memory(
        budget_bytes=slots.memory_budget_bytes or share,
        limit_bytes=settings.child.memory_bytes,
        patience_s=slots.memory_patience_s,
    )
