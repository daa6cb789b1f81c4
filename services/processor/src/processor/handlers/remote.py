"""A server that reads documents in the place of the built-in extractors: Tika, or docling-serve.

It is asked by this process, for children have no network; what it answers is a web page, which a
child reads like any other, within its limits.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from docyard_common.errors import RetryableError
from processor.settings import RemoteKind, RemoteSettings
from processor.stages.errors import DecompressionLimitError

logger = logging.getLogger(__name__)

_PIECE_BYTES: Final = 1024 * 1024
_REFUSED: Final = frozenset({400, 404, 413, 415, 422})
"""Answers that say: not this document. The built-in extractor may still know it."""
_CONNECT_S: Final = 10.0


class RemoteExtractorError(RetryableError):
    """The server does not answer, or not in time; the next attempt does without it.

    Its reason blames no document: none of the measures of the retry ladder would help.
    """


class RemoteExtractor:
    """Asks one server. Safe to share between tasks; `close` ends its connections."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.timeout_s, connect=_CONNECT_S), follow_redirects=False
        )

    @property
    def name(self) -> str:
        """What a manifest names as the extractor."""
        return self._settings.kind.value

    def reads(self, media_type: str | None) -> bool:
        """Whether this server is the one for documents of *media_type*."""
        return bool(self._settings.url) and media_type in self._settings.types

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(self, document: Path, *, media_type: str, into: Path) -> bool:
        """Have *document* read and write the page to *into*; False where the server refuses it.

        Raises RemoteExtractorError, or DecompressionLimitError for an answer beyond `max_bytes`.
        A crash leaves nothing but a file in the run's own folder.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await self._fetch(document, media_type, into)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            raise RemoteExtractorError(
                f"The extractor {self.name} does not answer: {type(error).__name__}."
            ) from error

    async def _fetch(self, document: Path, media_type: str, into: Path) -> bool:
        with document.open("rb") as file:
            request = self._request(file, document.name, media_type)
            answer = await self._client.send(request, stream=True)
        async with aclosing(answer):
            if answer.status_code in _REFUSED:
                logger.info("extractor.refused", extra={"status": answer.status_code})
                return False
            answer.raise_for_status()
            await self._save(answer, into)
        if self._settings.kind is RemoteKind.DOCLING:
            await asyncio.to_thread(_unwrap, into)
        return True

    def _request(self, file: BinaryIO, name: str, media_type: str) -> httpx.Request:
        url = self._settings.url.rstrip("/")
        if self._settings.kind is RemoteKind.TIKA:
            return self._client.build_request(
                "PUT",
                f"{url}/tika",
                headers={"Accept": "text/html", "Content-Type": media_type},
                content=_pieces(file),
            )
        form = self._client.build_request(
            "POST",
            f"{url}/v1/convert/file",
            data={"to_formats": "html", "image_export_mode": "placeholder"},
            files={"files": (name, file, media_type)},
        )
        form.stream = _Threaded(form.stream)
        return form

    async def _save(self, answer: httpx.Response, into: Path) -> None:
        size = 0
        with into.open("wb") as file:
            async for piece in answer.aiter_bytes(_PIECE_BYTES):
                size += len(piece)
                if size > self._settings.max_bytes:
                    raise DecompressionLimitError("The extractor answers with more than is read.")
                file.write(piece)


class _Threaded(httpx.AsyncByteStream):
    """The body of a form, whose file is read in a thread: httpx itself would read it here."""

    def __init__(self, form: httpx.SyncByteStream | httpx.AsyncByteStream) -> None:
        assert isinstance(form, httpx.SyncByteStream)  # noqa: S101 - a form is of either kind
        self._form = form

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self._form)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield piece


def _unwrap(answer: Path) -> None:
    """Put the page in the place of the JSON around it. Raises ValueError where there is none."""
    try:
        page = json.loads(answer.read_bytes())["document"]["html_content"]
    except (KeyError, TypeError) as error:
        raise ValueError("the answer holds no page") from error
    answer.write_text(page or "", encoding="utf-8")
