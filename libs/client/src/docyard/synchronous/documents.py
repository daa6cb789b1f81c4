"""`client.documents` without `await`."""

from pathlib import Path

from docyard.models import (
    Chunk,
    Document,
    DocumentFact,
    DocumentMetadata,
    DocumentPage,
    Entity,
    Listing,
    Relation,
)
from docyard.resources.documents import DocumentFilter, Documents
from docyard.synchronous.running import Runner


class SyncDocuments:
    """`client.documents`, as `docyard.resources.documents.Documents`."""

    def __init__(self, calls: Documents, runner: Runner) -> None:
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
