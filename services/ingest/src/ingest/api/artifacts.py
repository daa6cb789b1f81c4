"""What a document holds, by HTTP: its bytes, pages, text, metadata, entities and thumbnail."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import StreamingResponse

from docyard_common.errors import ObjectMissingError
from docyard_common.storage import ObjectStore
from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, DocumentId, Limit
from ingest.api.content_models import MetadataOut, PageList, PageOut, RelationList
from ingest.api.graph_models import DocumentEntity, EntityList
from ingest.api.links import API
from ingest.api.metadata import metadata_of
from ingest.api.problems import refusals
from ingest.api.ranges import byte_range, content_disposition
from ingest.document import Document
from ingest.documents.artifact_reader import ARTIFACTS_REMOVED, ArtifactReader
from ingest.documents.lifecycle import Lifecycle
from ingest.errors import NotAvailableError

_Item = TypeVar("_Item")

_ANY: Final = "application/octet-stream"
_PARTIAL: Final = 206
_NOT_MODIFIED: Final = 304
_HARMLESS: Final = {
    "X-Content-Type-Options": "nosniff",
    # A document is a stranger's: as a page of this origin it must not run.
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
_REMOVED: Final = "The bytes are not there any more."
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


class ArtifactRoutes:
    """Routes that read the object store."""

    def __init__(self, *, lifecycle: Lifecycle, reader: ArtifactReader, store: ObjectStore) -> None:
        self._lifecycle = lifecycle
        self._reader = reader
        self._store = store

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/documents/{{document_id}}", tags=["content"])
        add = router.add_api_route
        made = refusals("DOCUMENT_NOT_FOUND", "NOT_READY", "NOT_AVAILABLE")
        ranged = refusals("DOCUMENT_NOT_FOUND", "NOT_AVAILABLE", "RANGE_NOT_SATISFIABLE")
        paged = refusals("DOCUMENT_NOT_FOUND", "NOT_AVAILABLE", "CURSOR_INVALID")
        add(
            "/original",
            self.original,
            response_class=StreamingResponse,
            summary="Download the uploaded bytes",
            responses=ranged | {200: _content(_ANY), 206: _content(_ANY)},
        )
        add(
            "/text",
            self.text,
            response_class=StreamingResponse,
            summary="Read all text",
            responses=made | {200: _content("text/plain")},
        )
        add("/pages", self.pages, summary="Read pages", responses=paged)
        add(
            "/pages/{number}",
            self.page,
            summary="Read one page",
            responses=refusals(
                "DOCUMENT_NOT_FOUND", "PAGE_NOT_FOUND", "NOT_READY", "NOT_AVAILABLE"
            ),
        )
        add(
            "/metadata",
            self.metadata,
            summary="Read what is known",
            responses=refusals("DOCUMENT_NOT_FOUND"),
        )
        add("/entities", self.entities, summary="Read named things", responses=made | paged)
        add(
            "/relations",
            self.relations,
            summary="Read which things are named together",
            responses=made | paged,
        )
        add(
            "/thumbnail",
            self.thumbnail,
            response_class=Response,
            summary="Get a small picture of the first page",
            responses=made | {200: _content("image/webp")},
        )
        return router

    async def original(
        self,
        caller: Caller,
        document_id: DocumentId,
        wanted: Annotated[str | None, Header(alias="Range")] = None,
        if_range: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Stream the bytes as they were uploaded; one range is honoured."""
        document = await self._find(caller, document_id)
        if document.original_removed_at is not None:
            raise NotAvailableError(_REMOVED)
        etag = f'"{document.sha256}"'
        headers = _HARMLESS | {
            "ETag": etag,
            "Accept-Ranges": "bytes",
            "Content-Disposition": content_disposition(document.filename),
            "Cache-Control": "private, no-cache",
        }
        if etag in (if_none_match or ""):
            return Response(status_code=_NOT_MODIFIED, headers=headers)
        size = document.size_bytes
        chosen = byte_range(wanted, size_bytes=size) if if_range in (None, etag) else None
        offset, length = chosen or (0, size)
        if chosen:
            headers["Content-Range"] = f"bytes {offset}-{offset + length - 1}/{size}"
        headers["Content-Length"] = str(length)
        return StreamingResponse(
            await _opened(self._store.stream(document.object_key, offset=offset, length=length)),
            status_code=_PARTIAL if chosen else 200,
            headers=headers,
            media_type=document.content_type,
        )

    async def text(self, caller: Caller, document_id: DocumentId) -> Response:
        """Stream the text of all pages, with an empty line between them."""
        document = await self._readable(caller, document_id)
        pieces = await self._reader.text(document)
        return StreamingResponse(
            await _opened(piece.encode() async for piece in pieces),
            headers=_HARMLESS,
            media_type="text/plain; charset=utf-8",
        )

    async def pages(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 50
    ) -> PageList:
        """Answer finished pages in their order, also while later ones are still being read."""
        first = 1 if cursor is None else cursors.read_number(cursor)
        document = await self._readable(caller, document_id)
        found = await self._reader.pages(document, first=first, limit=limit)
        return PageList(
            items=[PageOut(**page.model_dump()) for page in found.pages],
            next_cursor=None if found.following is None else cursors.write(found.following),
        )

    async def page(
        self, caller: Caller, document_id: DocumentId, number: Annotated[int, Path(ge=1)]
    ) -> PageOut:
        """Answer one page as soon as it is finished; until then 409 NOT_READY."""
        document = await self._readable(caller, document_id)
        page = await self._reader.page(document, number)
        return PageOut(**page.model_dump())

    async def metadata(self, caller: Caller, document_id: DocumentId) -> MetadataOut:
        """Answer what was given, read and found so far."""
        document = await self._find(caller, document_id)
        manifest = await self._reader.manifest(document)
        return metadata_of(document, manifest, await self._reader.analysis(document))

    async def entities(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 100
    ) -> EntityList:
        """Answer what the text names, with pages and the places on them."""
        document = await self._readable(caller, document_id)
        named = (await self._reader.required_analysis(document)).entities
        items, next_cursor = _part(named, cursor, limit)
        shown = [DocumentEntity.of(entity, caller.subject) for entity in items]
        return EntityList(items=shown, next_cursor=next_cursor)

    async def relations(
        self, caller: Caller, document_id: DocumentId, cursor: Cursor = None, limit: Limit = 100
    ) -> RelationList:
        """Answer pairs of what the text names together, with the places that do."""
        document = await self._readable(caller, document_id)
        related = (await self._reader.required_analysis(document)).relations
        items, next_cursor = _part(related, cursor, limit)
        return RelationList(items=items, next_cursor=next_cursor)

    async def thumbnail(self, caller: Caller, document_id: DocumentId) -> Response:
        """Answer a WebP image."""
        document = await self._readable(caller, document_id)
        data = await self._reader.thumbnail(document)
        return Response(data, headers=_HARMLESS, media_type="image/webp")

    async def _find(self, caller: Caller, document_id: DocumentId) -> Document:
        return await self._lifecycle.find(document_id, owner=caller.subject)

    async def _readable(self, caller: Caller, document_id: DocumentId) -> Document:
        """Find a document whose artifacts are kept, or may still be made."""
        document = await self._find(caller, document_id)
        if document.artifacts_removed:
            raise NotAvailableError(ARTIFACTS_REMOVED)
        return document


def _part(whole: Sequence[_Item], cursor: str | None, limit: int) -> tuple[list[_Item], str | None]:
    """Return the items after *cursor*, and the cursor after them."""
    start = 0 if cursor is None else cursors.read_number(cursor)
    end = start + limit
    return list(whole[start:end]), cursors.write(end) if end < len(whole) else None


async def _opened(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Read the first piece while an error can still become an answer; return all of them."""
    try:
        first = await anext(pieces, b"")
    except ObjectMissingError as error:
        raise NotAvailableError(_REMOVED) from error

    async def all_pieces() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_pieces()


def _content(media_type: str) -> dict[str, Any]:
    return {"description": "The content", "content": {media_type: _BINARY}}
