"""Analyze: what the text is about, in one pass over its pages."""

from typing import Final

from docyard_common.artifacts import Analysis
from processor.analysis.entities import EntityCollector
from processor.analysis.keywords import keywords
from processor.analysis.language import detect
from processor.analysis.summary import summarize
from processor.analysis.words import Sentence, sentences
from processor.stages.reading import read_pages
from processor.stages.task import Analyzed, Progress, Report, StageTask

_SAMPLE_CHARACTERS: Final = 50_000
"""Keywords and summary come from the beginning: more costs seconds and changes little."""


def analyze(task: StageTask, report: Report) -> Analyzed:
    """Read all pages for entities, the first ones for language, keywords and summary."""
    collector = EntityCollector()
    sample: list[Sentence] = []
    size = 0
    for pages, page in enumerate(read_pages(task), start=1):
        collector.add(page)
        if size < _SAMPLE_CHARACTERS:
            text = page.text[: _SAMPLE_CHARACTERS - size]
            sample.extend(Sentence(sentence, page.number) for sentence in sentences(text))
            size += len(text)
        report.progress(Progress(pages_done=pages))
    return Analyzed(_analysis(sample, collector))


def _analysis(sample: list[Sentence], collector: EntityCollector) -> Analysis:
    language, confidence = detect(" ".join(sentence.text for sentence in sample))
    summary, summary_pages = summarize(sample, language)
    return Analysis(
        language=language,
        language_confidence=confidence,
        keywords=tuple(keywords(sample, language)),
        summary=summary,
        summary_pages=summary_pages,
        entities=collector.entities(),
    )
