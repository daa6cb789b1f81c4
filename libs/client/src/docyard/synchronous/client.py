"""The synchronous client: the same calls, run by an `AsyncClient` on an event loop of its own.

One implementation of requests, retries and watching serves both; a test compares signatures.
"""

from collections.abc import (
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from anyio.from_thread import start_blocking_portal

from docyard.client import AsyncClient, SearchMode
from docyard.endpoints import Endpoints
from docyard.models import (
    Accepted,
    Document,
    Progress,
    SearchResult,
)
from docyard.retrying import RetryPolicy
from docyard.sessions import UploadPolicy
from docyard.synchronous.dead_letters import SyncDeadLetters
from docyard.synchronous.documents import SyncDocuments
from docyard.synchronous.folder_jobs import SyncFolderJobs
from docyard.synchronous.graph import SyncGraph
from docyard.synchronous.processing import SyncProcessing
from docyard.synchronous.running import Runner
from docyard.uploads import OnBytes, Upload


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
            self._runner = Runner(stack.enter_context(start_blocking_portal()))
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
