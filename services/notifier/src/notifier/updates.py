"""What subscribers are told about one document at one position, serialised once for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

from docyard_common.events.documents import DocumentProgressed
from docyard_common.events.envelope import DocumentEvent
from docyard_common.events.progress import DocumentView, progress_data


@dataclass(frozen=True, eq=False)
class Update:
    """A document at position *seq*, as a message.

    A *change* (of state, stage, attempt or error) must reach every subscriber; anything else is a
    tick, which a newer update of the same document replaces.
    """

    document_id: UUID
    owner: str
    seq: int
    data: Mapping[str, Any]
    change: bool
    terminal: bool
    timestamp_ms: int = 0  # of the record it came with; 0 when it was read from a projection

    @cached_property
    def text(self) -> str:
        """The `job_progress` message as JSON text."""
        return orjson.dumps({"type": "job_progress", **self.entry}).decode()

    @property
    def entry(self) -> Mapping[str, Any]:
        """The same as an item of `snapshot`."""
        return {"job_id": str(self.document_id), "seq": self.seq, "data": self.data}


def update_of(view: DocumentView, *, change: bool = True, timestamp_ms: int = 0) -> Update:
    """Return *view* as an update."""
    return Update(
        document_id=view.document_id,
        owner=view.owner,
        seq=view.seq,
        data=progress_data(view),
        change=change,
        terminal=view.is_terminal,
        timestamp_ms=timestamp_ms,
    )


def is_change(event: DocumentEvent, *, view: DocumentView, previous: DocumentView | None) -> bool:
    """Whether *event*, which led from *previous* to *view*, told more than mere progress.

    Ticks travel on a topic of their own, so the first tick of a stage may overtake the fact that
    the stage has started: then it is the tick that tells so.
    """
    if not isinstance(event, DocumentProgressed):
        return True
    return previous is None or _essence(view) != _essence(previous)


def _essence(view: DocumentView) -> tuple[object, ...]:
    return (view.generation, view.deleted, view.state, view.stage, view.attempt, view.error)
