"""Index: the text in chunks that a search can answer with, each with its embedding."""

import json
from array import array
from pathlib import Path
from typing import Final

from docyard_common.search.embedding import Embedder
from docyard_common.search.port import Chunk
from processor.indexing.chunking import Passage, passages
from processor.stages.measures import Measure
from processor.stages.reading import read_pages
from processor.stages.task import Indexed, Progress, Report, StageTask

_EMBEDDED_AT_ONCE: Final = 64
"""Passages: the model pads all to the longest, 190 MiB where that is 1,500 tokens long."""
_SMALL_PORTION: Final = 8


def index(task: StageTask, report: Report, *, embedder: Embedder) -> Indexed:
    """Cut the pages into passages and embed them. The same pages give the same chunks."""
    cut = _given(task.texts) if task.texts else list(passages(read_pages(task)))
    last_page = cut[-1].page_last if cut else 0
    chunks: list[Chunk] = []
    at_once = _portion(task)
    for start in range(0, len(cut), at_once):
        part = cut[start : start + at_once]
        chunks.extend(_embed(part, first_ordinal=start, embedder=embedder))
        report.progress(Progress(pages_done=part[-1].page_last, pages_total=last_page))
    return Indexed(tuple(chunks))


def _portion(task: StageTask) -> int:
    """Return how many passages are embedded at once."""
    if Measure.ONE_PASSAGE_AT_A_TIME in task.measures:
        return 1
    return _SMALL_PORTION if Measure.SMALL_PORTIONS in task.measures else _EMBEDDED_AT_ONCE


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
            embedding=array("f", vector),
            start=passage.start,
            end=passage.end,
        )
        for ordinal, (passage, vector) in enumerate(
            zip(part, vectors, strict=True), start=first_ordinal
        )
    ]
