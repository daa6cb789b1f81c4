"""The work itself: once more, in bulk, its queue, and putting it back after a loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from docyard.models.documents import Document, Listing
from docyard.models.processing import Operation, Place, Queue, Reconciliation, Timeline
from docyard.resources.documents import DocumentFilter
from docyard.transport import Request, Transport

_Answer = TypeVar("_Answer")

_DOCUMENTS = "/api/v1/documents"


@dataclass(frozen=True)
class BulkOrder:
    """Which documents, and how; a filter that narrows nothing needs *everything*."""

    only: DocumentFilter = field(default_factory=DocumentFilter)
    pipeline_version_below: int | None = None
    everything: bool = False
    dry_run: bool = False
    reason: str | None = None
    from_stage: str | None = None  # of a reprocessing
    priority: str | None = None  # of a reprocessing

    def body(self) -> dict[str, Any]:
        """Return the order as the server takes it."""
        narrowed = {
            **self.only.conditions(),
            "pipeline_version_below": self.pipeline_version_below,
        }
        given = {
            "filter": _given(narrowed),
            "all": self.everything,
            "dry_run": self.dry_run,
            "reason": self.reason,
            "from_stage": self.from_stage,
            "priority": self.priority,
        }
        return _given(given)


class Processing:
    """`client.processing`. Calls about a document raise NotFoundError for what is not one's own."""

    def __init__(self, transport: Transport, *, operating: Transport) -> None:
        """*operating* is ingest too, with an operator's token where there is one."""
        self._transport = transport
        self._operating = operating

    async def reprocess(
        self, document_id: str, *, from_stage: str | None = None, priority: str | None = None
    ) -> Document:
        """Begin the next generation; the earlier result is served until it is whole.

        Raises ConflictError while the document is in work.
        """
        body = _given({"from_stage": from_stage, "priority": priority})
        return await self._post(f"{_DOCUMENTS}/{_quoted(document_id)}/reprocess", body, Document)

    async def reprocess_many(self, order: BulkOrder) -> Operation:
        """Begin the next generation of every document of *order* that has ended."""
        return await self._post(f"{_DOCUMENTS}/reprocess", order.body(), Operation)

    async def cancel_many(self, order: BulkOrder) -> Operation:
        """Cancel every document of *order* that is in work."""
        return await self._post(f"{_DOCUMENTS}/cancel", order.body(), Operation)

    async def operation(self, operation_id: str) -> Operation:
        """Return how far an operation is."""
        return await self._get(f"{_DOCUMENTS}/bulk/{_quoted(operation_id)}", Operation)

    async def operations(self, *, limit: int = 50, cursor: str | None = None) -> Listing[Operation]:
        """Return the caller's operations, newest first."""
        query = _given({"limit": limit, "cursor": cursor})
        request = Request("GET", f"{_DOCUMENTS}/bulk", params=query)
        return await self._transport.fetch(request, Listing[Operation])

    async def end(self, operation_id: str) -> Operation:
        """Begin no further documents, ever; those that were begun go on. Raises ConflictError."""
        return await self._post(f"{_DOCUMENTS}/bulk/{_quoted(operation_id)}/cancel", {}, Operation)

    async def pause(self, operation_id: str) -> Operation:
        """Begin no further documents. Raises ConflictError once it has ended."""
        return await self._post(f"{_DOCUMENTS}/bulk/{_quoted(operation_id)}/pause", {}, Operation)

    async def resume(self, operation_id: str) -> Operation:
        """Go on where it was paused."""
        return await self._post(f"{_DOCUMENTS}/bulk/{_quoted(operation_id)}/resume", {}, Operation)

    async def queue(self) -> Queue:
        """Return what waits and what runs, by stage."""
        return await self._get("/api/v1/queue", Queue)

    async def place(self, document_id: str) -> Place:
        """Return where a document stands in the queue."""
        return await self._get(f"{_DOCUMENTS}/{_quoted(document_id)}/queue", Place)

    async def timeline(self, document_id: str) -> Timeline:
        """Return every run of a document."""
        return await self._get(f"{_DOCUMENTS}/{_quoted(document_id)}/timeline", Timeline)

    async def reconcile(self, *, silent_s: float = 0.0, dry_run: bool = False) -> Reconciliation:
        """Put every unfinished document back to work; needs the role operator."""
        body = {"silent_s": silent_s, "dry_run": dry_run}
        request = Request("POST", "/api/v1/reconcile", json=body)
        return await self._operating.fetch(request, Reconciliation)

    async def _get(self, path: str, kind: type[_Answer]) -> _Answer:
        return await self._transport.fetch(Request("GET", path), kind)

    async def _post(self, path: str, body: Mapping[str, Any], kind: type[_Answer]) -> _Answer:
        return await self._transport.fetch(Request("POST", path, json=dict(body)), kind)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, [], {}, False)}


def _quoted(part: str) -> str:
    return quote(part, safe="")
