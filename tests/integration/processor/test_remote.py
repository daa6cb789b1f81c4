"""A server reads documents in the place of the built-in extractors, over real HTTP."""

import io
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path, PosixPath
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from tests.integration.processor.reader import PAGE, Reader
from tests.unit.extraction.pdfs import make_pdf

from docyard_common.errors import FailureReason, PermanentError, RetryableError
from docyard_common.media_types import MediaType
from processor.handlers.remote import RemoteExtractor
from processor.settings import RemoteKind, RemoteSettings


class Watched(PosixPath):
    """A file that notes in which thread it is read."""

    readings: ClassVar = list[str]()

    def open(self, *_arguments: Any, **_options: Any) -> Any:
        return _WatchedFile(io.FileIO(self))


class _WatchedFile(io.BufferedReader):
    def read(self, size: int | None = -1, /) -> bytes:
        Watched.readings.append(threading.current_thread().name)
        return super().read(size)


@pytest_asyncio.fixture
async def tika(reader: Reader) -> AsyncIterator[RemoteExtractor]:
    extractor = RemoteExtractor(settings(reader.url))
    yield extractor
    await extractor.close()


def settings(url: str, kind: RemoteKind = RemoteKind.TIKA, **more: int) -> RemoteSettings:
    return RemoteSettings.model_validate(
        {"url": url, "kind": kind, "types": [MediaType.PDF], "timeout_s": 20, **more}
    )


async def fetch(extractor: RemoteExtractor, folder: Path) -> bytes | None:
    document, page = make_pdf(folder / "original"), folder / "page.html"
    taken = await extractor.fetch(document, media_type=MediaType.PDF, into=page)
    return page.read_bytes() if taken else None


async def test_tika_gets_the_bytes_and_answers_with_a_page(
    tika: RemoteExtractor, reader: Reader, tmp_path: Path
) -> None:
    assert await fetch(tika, tmp_path) == PAGE
    assert reader.asked == [("/tika", MediaType.PDF, (tmp_path / "original").read_bytes())]


async def test_docling_answers_with_a_page_inside_of_json(reader: Reader, tmp_path: Path) -> None:
    reader.answer = json.dumps({"document": {"html_content": PAGE.decode()}}).encode()
    extractor = RemoteExtractor(settings(reader.url, RemoteKind.DOCLING))

    page = await fetch(extractor, tmp_path)
    await extractor.close()

    ((path, content_type, body),) = reader.asked
    assert page == PAGE
    assert path == "/v1/convert/file"
    assert content_type.startswith("multipart/form-data")
    assert (tmp_path / "original").read_bytes() in body


async def test_docling_is_sent_a_document_without_holding_up_the_event_loop(
    reader: Reader, tmp_path: Path
) -> None:
    reader.answer = json.dumps({"document": {"html_content": PAGE.decode()}}).encode()
    extractor = RemoteExtractor(settings(reader.url, RemoteKind.DOCLING))
    document = make_pdf(tmp_path / "original")
    Watched.readings.clear()

    await extractor.fetch(Watched(document), media_type=MediaType.PDF, into=tmp_path / "page.html")
    await extractor.close()

    ((_, _, body),) = reader.asked
    assert document.read_bytes() in body
    assert Watched.readings
    assert threading.main_thread().name not in Watched.readings


async def test_a_document_that_is_refused_is_left_to_the_built_in_extractor(
    tika: RemoteExtractor, reader: Reader, tmp_path: Path
) -> None:
    reader.status = 422

    assert await fetch(tika, tmp_path) is None


async def test_a_server_in_trouble_burns_an_attempt(
    tika: RemoteExtractor, reader: Reader, tmp_path: Path
) -> None:
    reader.status = 500

    with pytest.raises(RetryableError):
        await fetch(tika, tmp_path)


async def test_a_server_that_is_away_burns_an_attempt(tmp_path: Path) -> None:
    extractor = RemoteExtractor(settings("http://127.0.0.1:9"))

    with pytest.raises(RetryableError):
        await fetch(extractor, tmp_path)
    await extractor.close()


async def test_an_answer_without_end_is_cut_off(reader: Reader, tmp_path: Path) -> None:
    reader.answer = b"x" * 5_000
    extractor = RemoteExtractor(settings(reader.url, max_bytes=1_024))

    with pytest.raises(PermanentError) as refused:
        await fetch(extractor, tmp_path)
    await extractor.close()

    assert refused.value.reason is FailureReason.DECOMPRESSION_LIMIT


@pytest.mark.skipif("DOCYARD_TIKA" not in os.environ, reason="DOCYARD_TIKA names no Tika server")
async def test_a_real_tika_server_reads_a_document(tmp_path: Path) -> None:
    extractor = RemoteExtractor(settings(os.environ["DOCYARD_TIKA"]))

    page = await fetch(extractor, tmp_path)
    await extractor.close()

    assert page is not None
    assert b"This is line 0 of page 3." in page


def test_only_the_types_that_are_named_are_read_elsewhere() -> None:
    extractor = RemoteExtractor(settings("http://127.0.0.1:9"))
    nobody = RemoteExtractor(RemoteSettings(types=(MediaType.PDF,)))

    assert extractor.reads(MediaType.PDF)
    assert not extractor.reads(MediaType.DOCX)
    assert not nobody.reads(MediaType.PDF)
