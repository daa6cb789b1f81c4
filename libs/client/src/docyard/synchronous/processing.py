"""`client.processing` without `await`."""

from docyard.models import (
    Document,
    Listing,
    Operation,
    Place,
    Queue,
    Reconciliation,
    Timeline,
)
from docyard.resources.processing import BulkOrder, Processing
from docyard.synchronous.running import Runner


class SyncProcessing:
    """`client.processing`, as `docyard.resources.processing.Processing`."""

    def __init__(self, calls: Processing, runner: Runner) -> None:
        self._calls = calls
        self._run = runner.run

    def reprocess(
        self, document_id: str, *, from_stage: str | None = None, priority: str | None = None
    ) -> Document:
        return self._run(
            self._calls.reprocess, document_id, from_stage=from_stage, priority=priority
        )

    def reprocess_many(self, order: BulkOrder) -> Operation:
        return self._run(self._calls.reprocess_many, order)

    def cancel_many(self, order: BulkOrder) -> Operation:
        return self._run(self._calls.cancel_many, order)

    def operation(self, operation_id: str) -> Operation:
        return self._run(self._calls.operation, operation_id)

    def operations(self, *, limit: int = 50, cursor: str | None = None) -> Listing[Operation]:
        return self._run(self._calls.operations, limit=limit, cursor=cursor)

    def end(self, operation_id: str) -> Operation:
        return self._run(self._calls.end, operation_id)

    def pause(self, operation_id: str) -> Operation:
        return self._run(self._calls.pause, operation_id)

    def resume(self, operation_id: str) -> Operation:
        return self._run(self._calls.resume, operation_id)

    def queue(self) -> Queue:
        return self._run(self._calls.queue)

    def place(self, document_id: str) -> Place:
        return self._run(self._calls.place, document_id)

    def timeline(self, document_id: str) -> Timeline:
        return self._run(self._calls.timeline, document_id)

    def reconcile(self, *, silent_s: float = 0.0, dry_run: bool = False) -> Reconciliation:
        return self._run(self._calls.reconcile, silent_s=silent_s, dry_run=dry_run)
