from pathlib import Path

import pytest
from tests.unit.extraction.reading import KeptReport

from docyard_common.analysis import Analysis
from docyard_common.artifacts import Page, dump_pages
from docyard_common.events.stages import Stage
from processor.analysis.entities import EntityCollector
from processor.analysis.language import detect
from processor.stages.analyze import analyze
from processor.stages.errors import ChecksumMismatchError
from processor.stages.task import StageTask

ENGLISH = (
    "The lighthouse keeper watched the harbour every night. Ships came to the harbour from many"
    " ports, and the lighthouse showed them the way. In winter the harbour froze, so that no ship"
    " could leave. The keeper wrote a book about the lighthouse and its harbour. Nobody read it."
)


def analysis_of(folder: Path, *texts: str) -> Analysis:
    pages = [Page(number=number, text=text) for number, text in enumerate(texts, start=1)]
    batch = folder / "batch"
    batch.write_bytes(dump_pages(pages))
    return analyze(task_over(batch), KeptReport()).analysis


def task_over(batch: Path) -> StageTask:
    return StageTask(
        stage=Stage.ANALYZE,
        filename="a.txt",
        content_type=None,
        size_bytes=1,
        sha256="0" * 64,
        page_batches=(batch,),
    )


def found(text: str) -> set[tuple[str, str]]:
    collector = EntityCollector()
    collector.add(Page(number=1, text=text))
    return {(entity.kind, entity.text) for entity in collector.entities()}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (ENGLISH.upper(), "en"),
        ("Der Leuchtturmwärter schrieb in jeder Nacht an seinem Buch über den Hafen.", "de"),
        ("Le gardien du phare regardait le port toutes les nuits de l'hiver.", "fr"),
        ("灯台守は毎晩、港を見ていた。冬になると港は凍った。", "ja"),
        ("12 345 --- 99", None),
        ("", None),
    ],
)
def test_the_language_is_told_where_there_is_text(text: str, language: str | None) -> None:
    assert detect(text)[0] == language


def test_a_document_gets_keywords_and_a_summary_with_pages(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "Title", ENGLISH)

    words = [keyword.text for keyword in analysis.keywords]
    assert analysis.language == "en"
    assert set(words[:3]) >= {"harbour", "lighthouse"}
    assert analysis.keywords[0].score == 1
    assert "harbour" in analysis.summary
    assert analysis.summary_pages == (2,)
    assert len(analysis.summary) < len(ENGLISH)


def test_a_document_without_text_has_an_empty_analysis(tmp_path: Path) -> None:
    assert analysis_of(tmp_path, "") == Analysis(language=None, language_confidence=0.0)


def test_damaged_pages_are_told_as_such(tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    batch.write_bytes(b"no pages")

    with pytest.raises(ChecksumMismatchError):
        analyze(task_over(batch), KeptReport())


def test_entities_know_every_page_that_names_them(tmp_path: Path) -> None:
    analysis = analysis_of(tmp_path, "Write to a@example.org.", "Nothing.", "a@example.org again")

    (entity,) = analysis.entities
    assert (entity.kind, entity.text, entity.count) == ("email", "a@example.org", 2)
    assert entity.pages == (1, 3)


@pytest.mark.parametrize(
    ("text", "kind", "entity"),
    [
        ("see https://example.org/a?b=c.", "url", "https://example.org/a?b=c"),
        ("on 2024-02-29 we", "date", "2024-02-29"),
        ("on 31.12.2024 we", "date", "31.12.2024"),
        ("on March 3rd, 2021 we", "date", "March 3rd, 2021"),
        ("am 3. Oktober 1990 war", "date", "3. Oktober 1990"),
        ("costs $1,250.50 now", "amount", "$1,250.50"),
        ("costs 3.5 million EUR now", "amount", "3.5 million EUR"),
        ("kostet 12,50 € mehr", "amount", "12,50 €"),
        ("call +41 44 668 18 00 now", "phone", "+41 44 668 18 00"),
        ("pay to DE89 3704 0044 0532 0130 00 please", "identifier", "DE89 3704 0044 0532 0130 00"),
        ("doi 10.1000/182 says", "identifier", "10.1000/182"),
        ("invoice INV-2024-0017 is", "identifier", "INV-2024-0017"),
        ("so Dr. Ada Lovelace wrote", "person", "Ada Lovelace"),
        ("at Acme Widgets Inc today", "organisation", "Acme Widgets Inc"),
        ("the University of Zurich says", "organisation", "University of Zurich"),
        ("trains from Berlin to Buenos Aires", "place", "Buenos Aires"),
        ("made in New Zealand", "place", "New Zealand"),
    ],
)
def test_entities_are_found_by_their_form(text: str, kind: str, entity: str) -> None:
    assert (kind, entity) in found(text)


@pytest.mark.parametrize(
    "text", ["version 1.2.3 of a@b", "pay to DE88 3704 0044 0532 0130 00", "call 12345 now"]
)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert found(text) == set()
