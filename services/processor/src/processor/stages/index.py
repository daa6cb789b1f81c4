"""Index: the text in chunks that a search can answer with, each with its embedding."""

import json
from pathlib import Path

from docyard_common.search.embedding import Embedder
from docyard_common.search.port import Chunk
from processor.indexing.chunking import Passage, passages
from processor.stages.reading import read_pages
from processor.stages.task import Indexed, Progress, Report, StageTask

_EMBEDDED_AT_ONCE = 64


def index(task: StageTask, report: Report, *, embedder: Embedder) -> Indexed:
    """Cut the pages into passages and embed them. The same pages give the same chunks."""
    cut = _given(task.texts) if task.texts else list(passages(read_pages(task)))
    last_page = cut[-1].page_last if cut else 0
    chunks: list[Chunk] = []
    for start in range(0, len(cut), _EMBEDDED_AT_ONCE):
        part = cut[start : start + _EMBEDDED_AT_ONCE]
        chunks.extend(_embed(part, first_ordinal=start, embedder=embedder))
        report.progress(Progress(pages_done=part[-1].page_last, pages_total=last_page))
    return Indexed(tuple(chunks))


def _given(texts: Path) -> list[Passage]:
    """Return texts that were cut long ago, and whose place their owner knows."""
    return [Passage(text, 0, 0, None, 0, 0) for text in json.loads(texts.read_bytes())]


def _embed(part: list[Passage], *, first_ordinal: int, embedder: Embedder) -> list[Chunk]:
    vectors = embedder.embed([passage.text for passage in part])
    return [
        Chunk(
            ordinal=ordinal,
            text=passage.text,
            page_first=passage.page_first,
            page_last=passage.page_last,
            heading=passage.heading,
            embedding=vector,
            start=passage.start,
            end=passage.end,
        )
        for ordinal, (passage, vector) in enumerate(
            zip(part, vectors, strict=True), start=first_ordinal
        )
    ]
