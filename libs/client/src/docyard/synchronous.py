"""The synchronous client: the same calls, run by an `AsyncClient` on an event loop of its own.

One implementation of requests, retries and watching serves both; a test compares signatures.
"""

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import wait
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from docyard.client import AsyncClient, SearchMode
from docyard.endpoints import Endpoints
from docyard.models import (
    Accepted,
    Chunk,
    DeadLetter,
    DeadLetterGroup,
    Document,
    DocumentFact,
    DocumentMetadata,
    DocumentPage,
    Entity,
    FolderFile,
    FolderJob,
    GraphEntity,
    GraphEvidence,
    GraphNeighbour,
    GraphPaths,
    GraphPlace,
    Listing,
    Operation,
    Place,
    Progress,
    Queue,
    Reconciliation,
    Relation,
    Replay,
    SearchResult,
    Timeline,
)
from docyard.resources.dead_letters import DeadLetterFilter, DeadLetters, ReplayOrder
from docyard.resources.documents import DocumentFilter, Documents
from docyard.resources.folder_jobs import FolderJobs, FolderOrder
from docyard.resources.graph import Graph
from docyard.resources.processing import BulkOrder, Processing
from docyard.retrying import RetryPolicy
from docyard.sessions import UploadPolicy
from docyard.uploads import OnBytes, Upload

_Answer = TypeVar("_Answer")

_LOOK_S = 0.5
"""How late Ctrl-C may be heard."""


class _Runner:
    """Runs coroutines to their end on the loop's thread; Ctrl-C here ends them there."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def run(self, call: Callable[..., Awaitable[_Answer]], *args: Any, **options: Any) -> _Answer:
        ended = Event()
        answer = self._portal.start_task_soon(_ending, partial(call, *args, **options), ended)
        try:
            # A signal just before a thread sleeps does not wake it: sleep in short turns.
            while not wait([answer], timeout=_LOOK_S).done:
                pass
            return answer.result()
        except BaseException:
            # Left running, it would keep its generator busy and the client from closing.
            if answer.cancel():
                ended.wait()
            raise

    def iterate(self, items: AsyncGenerator[_Answer, None]) -> Iterator[_Answer]:
        """Yield what *items* yields; leaving early closes it."""
        try:
            while True:
                try:
                    item = self.run(items.__anext__)
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(items.aclose)


async def _ending(call: Callable[[], Awaitable[_Answer]], ended: Event) -> _Answer:
    try:
        return await call()
    finally:
        ended.set()


class SyncDocuments:
    """`client.documents`, as `docyard.resources.documents.Documents`."""

    def __init__(self, calls: Documents, runner: _Runner) -> None:
        self._calls = calls
        self._run = runner.run

    def list(
        self,
        only: DocumentFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[Document]:
        return self._run(self._calls.list, only, limit=limit, cursor=cursor)

    def get(self, document_id: str) -> Document:
        return self._run(self._calls.get, document_id)

    def text(self, document_id: str) -> str:
        return self._run(self._calls.text, document_id)

    def pages(
        self, document_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[DocumentPage]:
        return self._run(self._calls.pages, document_id, limit=limit, cursor=cursor)

    def page(self, document_id: str, number: int) -> DocumentPage:
        return self._run(self._calls.page, document_id, number)

    def metadata(self, document_id: str) -> DocumentMetadata:
        return self._run(self._calls.metadata, document_id)

    def entities(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Entity]:
        return self._run(self._calls.entities, document_id, limit=limit, cursor=cursor)

    def relations(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Relation]:
        return self._run(self._calls.relations, document_id, limit=limit, cursor=cursor)

    def chunks(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Chunk]:
        return self._run(self._calls.chunks, document_id, limit=limit, cursor=cursor)

    def events(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[DocumentFact]:
        return self._run(self._calls.events, document_id, limit=limit, cursor=cursor)

    def cancel(self, document_id: str) -> Document:
        return self._run(self._calls.cancel, document_id)

    def delete(self, document_id: str) -> None:
        self._run(self._calls.delete, document_id)

    def download(self, document_id: str, path: Path, *, artifact: str = "original") -> None:
        self._run(self._calls.download, document_id, path, artifact=artifact)


class SyncProcessing:
    """`client.processing`, as `docyard.resources.processing.Processing`."""

    def __init__(self, calls: Processing, runner: _Runner) -> None:
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


class SyncGraph:
    """`client.graph`, as `docyard.resources.graph.Graph`."""

    def __init__(self, calls: Graph, runner: _Runner) -> None:
        self._calls = calls
        self._run = runner.run

    def entities(
        self,
        text: str | None = None,
        *,
        kinds: Sequence[str] = (),
        document_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphEntity]:
        return self._run(
            self._calls.entities,
            text,
            kinds=kinds,
            document_id=document_id,
            limit=limit,
            cursor=cursor,
        )

    def entity(self, entity_id: str) -> GraphEntity:
        return self._run(self._calls.entity, entity_id)

    def mentions(
        self, entity_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[GraphPlace]:
        return self._run(self._calls.mentions, entity_id, limit=limit, cursor=cursor)

    def neighbours(
        self,
        entity_id: str,
        *,
        kinds: Sequence[str] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[GraphNeighbour]:
        return self._run(self._calls.neighbours, entity_id, kinds=kinds, limit=limit, cursor=cursor)

    def paths(
        self, source_id: str, target_id: str, *, max_depth: int = 4, limit: int = 5
    ) -> GraphPaths:
        return self._run(self._calls.paths, source_id, target_id, max_depth=max_depth, limit=limit)

    def evidence(
        self, relation_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> GraphEvidence:
        return self._run(self._calls.evidence, relation_id, limit=limit, cursor=cursor)


class SyncDeadLetters:
    """`client.dlq`, as `docyard.resources.dead_letters.DeadLetters`."""

    def __init__(self, calls: DeadLetters, runner: _Runner) -> None:
        self._calls = calls
        self._runner = runner
        self._run = runner.run

    def groups(self, *, limit: int = 50, cursor: str | None = None) -> Listing[DeadLetterGroup]:
        return self._run(self._calls.groups, limit=limit, cursor=cursor)

    def list(
        self,
        only: DeadLetterFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[DeadLetter]:
        return self._run(self._calls.list, only, limit=limit, cursor=cursor)

    def get(self, entry_id: str) -> DeadLetter:
        return self._run(self._calls.get, entry_id)

    def replay(self, order: ReplayOrder) -> Replay:
        return self._run(self._calls.replay, order)

    def replays(self, *, limit: int = 50, cursor: str | None = None) -> Listing[Replay]:
        return self._run(self._calls.replays, limit=limit, cursor=cursor)

    def get_replay(self, replay_id: str) -> Replay:
        return self._run(self._calls.get_replay, replay_id)

    def cancel_replay(self, replay_id: str) -> Replay:
        return self._run(self._calls.cancel_replay, replay_id)

    def discard(self, entry_id: str, *, reason: str) -> DeadLetter:
        return self._run(self._calls.discard, entry_id, reason=reason)

    def restore(self, entry_id: str) -> DeadLetter:
        return self._run(self._calls.restore, entry_id)

    def export(self, only: DeadLetterFilter | None = None) -> Iterator[str]:
        return self._runner.iterate(self._calls.export(only))


class SyncFolderJobs:
    """`client.folder_jobs`, as `docyard.resources.folder_jobs.FolderJobs`."""

    def __init__(self, calls: FolderJobs, runner: _Runner) -> None:
        self._calls = calls
        self._runner = runner
        self._run = runner.run

    def start(self, order: FolderOrder) -> FolderJob:
        return self._run(self._calls.start, order)

    def list(
        self, *, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None
    ) -> Listing[FolderJob]:
        return self._run(self._calls.list, states=states, limit=limit, cursor=cursor)

    def get(self, upload_id: str) -> FolderJob:
        return self._run(self._calls.get, upload_id)

    def files(
        self,
        upload_id: str,
        *,
        states: Sequence[str] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Listing[FolderFile]:
        return self._run(self._calls.files, upload_id, states=states, limit=limit, cursor=cursor)

    def delete(self, upload_id: str) -> None:
        self._run(self._calls.delete, upload_id)

    def watch(self, upload_id: str, *, timeout_s: float | None = None) -> Iterator[FolderJob]:
        return self._runner.iterate(self._calls.watch(upload_id, timeout_s=timeout_s))


class Client:
    """Docyard for one user, without `await`. Safe to share between threads; close it at the end."""

    def __init__(
        self,
        endpoints: Endpoints | None = None,
        *,
        retry: RetryPolicy | None = None,
        uploads: UploadPolicy | None = None,
    ) -> None:
        with ExitStack() as stack:
            self._runner = _Runner(stack.enter_context(start_blocking_portal()))
            self._client = self._runner.run(_opened, endpoints, retry, uploads)
            stack.callback(self._runner.run, self._client.close)
            self._stack = stack.pop_all()
        self.documents = SyncDocuments(self._client.documents, self._runner)
        self.processing = SyncProcessing(self._client.processing, self._runner)
        self.folder_jobs = SyncFolderJobs(self._client.folder_jobs, self._runner)
        self.graph = SyncGraph(self._client.graph, self._runner)
        self.dlq = SyncDeadLetters(self._client.dlq, self._runner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection and end the thread; a repeat changes nothing."""
        self._stack.close()

    def upload(self, source: str | Path | Upload, *, on_bytes: OnBytes | None = None) -> Accepted:
        return self._runner.run(self._client.upload, source, on_bytes=on_bytes)

    def search(
        self,
        query: str,
        *,
        mode: SearchMode = "hybrid",
        limit: int = 10,
        document_id: str | None = None,
        document_type: str | None = None,
    ) -> SearchResult:
        return self._runner.run(
            self._client.search,
            query,
            mode=mode,
            limit=limit,
            document_id=document_id,
            document_type=document_type,
        )

    def watch(
        self,
        document_ids: Iterable[str],
        *,
        since: Mapping[str, int] | None = None,
        timeout_s: float | None = None,
    ) -> Iterator[Progress]:
        updates = self._client.watch(document_ids, since=since, timeout_s=timeout_s)
        return self._runner.iterate(updates)

    def wait(
        self, document_ids: Iterable[str], *, timeout_s: float | None = None
    ) -> list[Document]:
        return self._runner.run(self._client.wait, document_ids, timeout_s=timeout_s)


async def _opened(
    endpoints: Endpoints | None, retry: RetryPolicy | None, uploads: UploadPolicy | None
) -> AsyncClient:
    return AsyncClient(endpoints, retry=retry, uploads=uploads)
