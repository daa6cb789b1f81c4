"""`client.folder_jobs` without `await`."""

from collections.abc import (
    Iterator,
    Sequence,
)

from docyard.models import (
    FolderFile,
    FolderJob,
    Listing,
)
from docyard.resources.folder_jobs import FolderJobs, FolderOrder
from docyard.synchronous.running import Runner


class SyncFolderJobs:
    """`client.folder_jobs`, as `docyard.resources.folder_jobs.FolderJobs`."""

    def __init__(self, calls: FolderJobs, runner: Runner) -> None:
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
