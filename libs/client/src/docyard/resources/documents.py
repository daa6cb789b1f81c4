"""Reading, cancelling and deleting documents."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

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
from docyard.transport import Request, Transport


@dataclass(frozen=True)
class DocumentFilter:
    """Which documents; all conditions must hold, each by one of its values."""

    states: Sequence[str] = ()
    content_types: Sequence[str] = ()
    document_types: Sequence[str] = ()  # invoice, contract …
    priorities: Sequence[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    name: str | None = None  # part of the file name
    parent_id: str | None = None  # only what was found inside this document
    top_level: bool = False  # only what was uploaded itself

    def conditions(self) -> dict[str, Any]:
        """Return the filter as query parameters."""
        return {
            "state": list(self.states),
            "type": list(self.content_types),
            "document_type": list(self.document_types),
            "priority": list(self.priorities),
            "created_after": self.created_after and self.created_after.isoformat(),
            "created_before": self.created_before and self.created_before.isoformat(),
            "q": self.name,
            "parent_id": self.parent_id,
            "top_level": "true" if self.top_level else None,
        }


@dataclass(frozen=True)
class Artifact:
    """A body on its way: iterate *chunks* once."""

    filename: str | None
    content_type: str
    size_bytes: int | None
    chunks: AsyncIterator[bytes]


class Documents:
    """`client.documents`. Every call raises NotFoundError for an id that is not one's own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        only: DocumentFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[Document]:
        """Return documents, newest first."""
        params = (only or DocumentFilter()).conditions() | {"limit": limit, "cursor": cursor}
        request = Request("GET", "/api/v1/documents", params=params)
        return await self._transport.fetch(request, Listing[Document])

    async def get(self, document_id: str) -> Document:
        return await self._transport.fetch(_get(document_id), Document)

    async def text(self, document_id: str) -> str:
        """Return the whole text. Raises ConflictError while there is none."""
        return (await self._transport.send(_get(document_id, "text"))).text

    async def pages(
        self,
        document_id: str,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[DocumentPage]:
        """Return pages that are extracted so far, in order."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", _path(document_id, "pages"), params=params)
        return await self._transport.fetch(request, Listing[DocumentPage])

    async def page(self, document_id: str, number: int) -> DocumentPage:
        """Return one page, counted from 1."""
        return await self._transport.fetch(_get(document_id, f"pages/{number}"), DocumentPage)

    async def metadata(self, document_id: str) -> DocumentMetadata:
        """Return what the document says of itself and what was found out about it."""
        return await self._transport.fetch(_get(document_id, "metadata"), DocumentMetadata)

    async def entities(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Entity]:
        """Return what the text names, with pages. Raises ConflictError before it is analysed."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", _path(document_id, "entities"), params=params)
        return await self._transport.fetch(request, Listing[Entity])

    async def relations(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Relation]:
        """Return pairs that the text names together. Raises ConflictError before its analysis."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", _path(document_id, "relations"), params=params)
        return await self._transport.fetch(request, Listing[Relation])

    async def chunks(
        self, document_id: str, *, limit: int = 100, cursor: str | None = None
    ) -> Listing[Chunk]:
        """Return the passages that searches find. Raises ConflictError before it is indexed."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", _path(document_id, "chunks"), params=params)
        return await self._transport.fetch(request, Listing[Chunk])

    async def events(
        self,
        document_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Listing[DocumentFact]:
        """Return the document's history, oldest first."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", _path(document_id, "events"), params=params)
        return await self._transport.fetch(request, Listing[DocumentFact])

    async def cancel(self, document_id: str) -> Document:
        """Ask for the work to stop. Raises ConflictError once the document has ended."""
        return await self._transport.fetch(Request("POST", _path(document_id, "cancel")), Document)

    async def delete(self, document_id: str) -> None:
        """Erase the document and everything derived from it; a repeat changes nothing."""
        await self._transport.send(Request("DELETE", _path(document_id)))

    @asynccontextmanager
    async def open(self, document_id: str, artifact: str = "original") -> AsyncIterator[Artifact]:
        """Yield `original`, `text`, `thumbnail` … as a stream, of any size."""
        async with self._transport.stream(_get(document_id, artifact)) as response:
            length = response.headers.get("content-length")
            yield Artifact(
                filename=_filename(response),
                content_type=response.headers.get("content-type", ""),
                size_bytes=int(length) if length else None,
                chunks=response.aiter_bytes(),
            )

    async def download(self, document_id: str, path: Path, *, artifact: str = "original") -> None:
        """Write an artifact to *path*: a file is there whole or not at all.

        A link stays one; a device or a pipe is written to as it is. Raises OSError.
        """
        async with self.open(document_id, artifact) as body:
            with _whole(path) as file:
                async for chunk in body.chunks:
                    file.write(chunk)


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of *path* at the end of the block; an error leaves none."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    partial = path.with_name(f".{token_hex(8)}.part")
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _path(document_id: str, artifact: str = "") -> str:
    # The id is quoted whole, so that a stray slash can not address something else.
    whole = f"/api/v1/documents/{quote(document_id, safe='')}"
    return f"{whole}/{artifact}" if artifact else whole


def _get(document_id: str, artifact: str = "") -> Request:
    return Request("GET", _path(document_id, artifact))


def _filename(response: httpx.Response) -> str | None:
    """Return the name of an attachment (RFC 6266), without any folder."""
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    name = header.get_filename()
    return Path(str(name).replace("\\", "/")).name or None if name else None
