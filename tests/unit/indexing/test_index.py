from pathlib import Path

from tests.unit.extraction.reading import KeptReport

from docyard_common.artifacts import Page, dump_pages
from docyard_common.events.stages import Stage
from docyard_common.search.embedding import Embedder
from docyard_common.search.port import EMBEDDING_SIZE
from processor.stages.index import index
from processor.stages.task import StageTask


def test_chunks_carry_their_pages_and_embeddings(tmp_path: Path) -> None:
    batches = []
    for number in (1, 2):
        batch = tmp_path / f"{number}"
        text = f"Page {number} says something. " * 60
        batch.write_bytes(dump_pages([Page(number=number, text=text)]))
        batches.append(batch)
    task = StageTask(
        stage=Stage.INDEX,
        filename="a.txt",
        content_type=None,
        size_bytes=1,
        sha256="0" * 64,
        page_batches=tuple(batches),
    )
    report = KeptReport()

    chunks = index(task, report, embedder=Embedder.load()).chunks

    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert (chunks[0].page_first, chunks[-1].page_last) == (1, 2)
    assert {len(chunk.embedding) for chunk in chunks} == {EMBEDDING_SIZE}
    assert report.ticks[-1].pages_done == report.ticks[-1].pages_total == 2
