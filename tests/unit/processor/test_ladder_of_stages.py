"""What the retry ladder says of a stage is what its next run does."""

from array import array
from pathlib import Path
from sys import getsizeof

import pytest
from tests.unit.extraction.pdfs import make_pdf
from tests.unit.extraction.reading import KeptReport, task_for

from docyard_common.analysis import Analysis
from docyard_common.artifacts import Page, dump_pages
from docyard_common.delivery.ladder import Mode, mode_after
from docyard_common.errors import FailureReason
from docyard_common.events.stages import Stage
from docyard_common.media_types import MediaType
from docyard_common.search.embedding import Embedder
from docyard_common.search.port import EMBEDDING_SIZE, Chunk
from processor.stages.analyze import analyze
from processor.stages.errors import UnreadableDocumentError
from processor.stages.index import index
from processor.stages.measures import measures
from processor.stages.task import StageTask
from processor.stages.validate import validate

PAGES = 12
TEXT = "Dr. Ada Lovelace met Prof. Charles Babbage in London. " * 150


class Counting(Embedder):
    """Counts what it is given at once."""

    def __init__(self) -> None:
        self.portions = list[int]()

    def embed(self, texts: object) -> list[list[float]]:
        assert isinstance(texts, list)
        self.portions.append(len(texts))
        return [[0.5] * EMBEDDING_SIZE for _ in texts]


def task_over(folder: Path, stage: Stage, mode: Mode) -> StageTask:
    pages = [Page(number=number, text=TEXT) for number in range(1, PAGES + 1)]
    batch = folder / "batch"
    batch.write_bytes(dump_pages(pages))
    return StageTask(
        stage=stage, filename="a.txt", content_type=None, size_bytes=1, sha256="0" * 64,
        page_batches=(batch,), mode=mode,
    )  # fmt: skip


def analysis_of(folder: Path, mode: Mode) -> Analysis:
    return analyze(task_over(folder, Stage.ANALYZE, mode), KeptReport()).analysis


def indexed(folder: Path, mode: Mode) -> tuple[list[int], tuple[Chunk, ...]]:
    embedder = Counting()
    task = task_over(folder, Stage.INDEX, mode)
    chunks = index(task, KeptReport(), embedder=embedder).chunks
    return embedder.portions, chunks


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("mode", Mode)
def test_a_step_is_taken_only_where_it_changes_something(stage: Stage, mode: Mode) -> None:
    following = mode_after(mode, FailureReason.MEMORY_LIMIT, stage=stage)

    changes = measures(stage, following) != measures(stage, mode)

    assert changes is (following is not mode)


def test_a_document_that_killed_at_opening_is_not_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing that can be opened")
    with pytest.raises(UnreadableDocumentError):
        validate(task_for(path, stage=Stage.VALIDATE), KeptReport())

    result = validate(task_for(path, stage=Stage.VALIDATE, mode=Mode.CAREFUL), KeptReport())

    assert (result.media_type, result.page_count) == (MediaType.PDF, None)


def test_a_document_that_is_not_opened_still_has_to_be_the_one_that_was_accepted(
    tmp_path: Path,
) -> None:
    task = task_for(make_pdf(tmp_path / "a.pdf"), stage=Stage.VALIDATE, mode=Mode.CAREFUL)

    with pytest.raises(Exception, match="not those that were accepted"):
        validate(task.model_copy(update={"sha256": "0" * 64}), KeptReport())


def test_a_careful_analysis_looks_for_no_relations(tmp_path: Path) -> None:
    standard, careful = (analysis_of(tmp_path, mode) for mode in (Mode.STANDARD, Mode.CAREFUL))

    assert standard.relations
    assert careful.relations == ()
    assert careful.entities == standard.entities


def test_a_plain_analysis_looks_at_the_beginning_alone(tmp_path: Path) -> None:
    standard, plain = (analysis_of(tmp_path, mode) for mode in (Mode.STANDARD, Mode.PLAIN))

    assert plain.relations == ()
    assert {entity.text for entity in plain.entities} == {e.text for e in standard.entities}
    assert max(entity.pages[-1] for entity in standard.entities) == PAGES
    assert max(entity.pages[-1] for entity in plain.entities) < PAGES
    assert (plain.keywords, plain.summary) == (standard.keywords, standard.summary)


def test_text_is_embedded_in_smaller_portions_step_by_step(tmp_path: Path) -> None:
    standard, careful, plain = (indexed(tmp_path, mode) for mode in Mode)

    assert (max(standard[0]), max(careful[0]), max(plain[0])) == (64, 8, 1)
    assert standard[1] == careful[1] == plain[1]


def test_the_embeddings_of_a_long_text_are_held_as_four_bytes_a_number(tmp_path: Path) -> None:
    _, chunks = indexed(tmp_path, Mode.STANDARD)

    assert {len(array("f", chunk.embedding)) for chunk in chunks} == {EMBEDDING_SIZE}
    assert all(isinstance(chunk.embedding, array) for chunk in chunks)
    assert {getsizeof(chunk.embedding) // EMBEDDING_SIZE for chunk in chunks} == {4}
