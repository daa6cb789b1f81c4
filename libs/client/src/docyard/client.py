"""The asynchronous client: `async with AsyncClient() as docyard: ...`."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from docyard.endpoints import Endpoints, resolve, subject_of
from docyard.large import LargeUploads
from docyard.models import Accepted, Document, Progress, SearchResult
from docyard.resources.dead_letters import DeadLetters
from docyard.resources.documents import Documents
from docyard.resources.folder_jobs import FolderJobs
from docyard.resources.graph import Graph
from docyard.resources.processing import Processing
from docyard.retrying import RetryPolicy
from docyard.sessions import UploadPolicy
from docyard.transport import Request, Transport
from docyard.uploads import OnBytes, Upload, request_of
from docyard.watching.polling import PollingSource
from docyard.watching.positions import Positions
from docyard.watching.settling import settled
from docyard.watching.sse import SseSource
from docyard.watching.watcher import Watcher, until
from docyard.watching.websocket import WebSocketSource

SearchMode = Literal["hybrid", "text", "semantic"]


class AsyncClient:
    """Docyard for one user. Safe to share between tasks of one event loop; close it at the end.

    Every call raises UnreachableError when nobody answers and ApiError for a refusal, after the
    retries that *retry* allows.
    """

    def __init__(
        self,
        endpoints: Endpoints | None = None,
        *,
        retry: RetryPolicy | None = None,
        uploads: UploadPolicy | None = None,
    ) -> None:
        """Without *endpoints*, `DOCYARD_*` and the local stack say where Docyard is.

        Raises ConfigurationError where they do not.
        """
        self._endpoints = endpoints or resolve()
        retry = retry or RetryPolicy()
        token = self._endpoints.token
        operator = self._endpoints.operator_token or token
        self._ingest = Transport(self._endpoints.ingest, token=token, retry=retry)
        self._notifier = Transport(self._endpoints.notifier, token=token, retry=retry)
        self._dlq_admin = Transport(self._endpoints.dlq_admin, token=operator, retry=retry)
        self._operating = Transport(self._endpoints.ingest, token=operator, retry=retry)
        self._large = LargeUploads(self._ingest, uploads or UploadPolicy(), retry)
        self.documents = Documents(self._ingest)
        self.processing = Processing(self._ingest, operating=self._operating)
        # An operator's token may be another's: documents go to whom this client speaks for.
        owner = None if operator == token else subject_of(token)
        self.folder_jobs = FolderJobs(self._operating, owner=owner)
        self.graph = Graph(self._ingest)
        self.dlq = DeadLetters(self._dlq_admin)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        async with AsyncExitStack() as stack:
            for transport in (self._ingest, self._notifier, self._dlq_admin, self._operating):
                stack.push_async_callback(transport.close)
            stack.push_async_callback(self._large.close)

    async def upload(
        self,
        source: str | Path | Upload,
        *,
        on_bytes: OnBytes | None = None,
    ) -> Accepted:
        """Send a document, streamed from disk; when this returns, it is durably accepted.

        A repeat of the same Upload value yields the same document. Large files go straight into
        the store where it can be reached from here, else through ingest, in parallel parts either
        way, and go on where an earlier try broke off, whatever process that was; a large file whose
        content is there already answers its document. Raises RefusedError for a document that
        Docyard does not take, and OSError for a file that can not be read.
        """
        upload = source if isinstance(source, Upload) else Upload(Path(source))
        if self._large.suits(upload):
            return await self._large.send(upload, on_bytes=on_bytes)
        url = "/api/v1/documents/upload/simple"
        with request_of(upload, url=url, on_bytes=on_bytes) as (request, file):
            accepted = await self._ingest.fetch(request, Accepted)
            return accepted.model_copy(update={"sha256": file.sha256, "via": "simple"})

    async def search(
        self,
        query: str,
        *,
        mode: SearchMode = "hybrid",
        limit: int = 10,
        document_id: str | None = None,
        document_type: str | None = None,
    ) -> SearchResult:
        """Return the passages that answer *query* best, with their pages."""
        params = {
            "q": query,
            "mode": mode,
            "limit": limit,
            "document_id": document_id,
            "document_type": document_type,
        }
        request = Request("GET", "/api/v1/search", params=params)
        return await self._ingest.fetch(request, SearchResult)

    async def watch(
        self,
        document_ids: Iterable[str],
        *,
        since: Mapping[str, int] | None = None,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Progress, None]:
        """Yield where documents are, newer and newer, until each has ended.

        It survives lost connections: by WebSocket, else Server-Sent Events, else polling.
        What it has told to have ended reads so in every other call.
        *since* skips what was seen before: after a replay, the failure that led to it.
        Raises NotFoundError, and WatchTimeoutError after *timeout_s*.
        """
        positions = Positions(document_ids, since=since)
        sources = (
            WebSocketSource(self._endpoints),
            SseSource(self._notifier),
            PollingSource(self.documents),
        )
        async with (
            aclosing(Watcher(positions, sources).updates()) as updates,
            aclosing(until(updates, positions, timeout_s=timeout_s)) as timed,
        ):
            async for update in timed:
                if update.is_terminal:
                    await settled(self.documents, update)
                yield update

    async def wait(
        self, document_ids: Iterable[str], *, timeout_s: float | None = None
    ) -> list[Document]:
        """Return the documents, in the given order, once each has ended. Raises as `watch`."""
        wanted = list(document_ids)
        async with aclosing(self.watch(wanted, timeout_s=timeout_s)) as updates:
            async for _update in updates:
                pass
        return await asyncio.gather(*(self.documents.get(id_) for id_ in wanted))
