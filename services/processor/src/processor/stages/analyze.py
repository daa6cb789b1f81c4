"""Analyze: what the text is about, in one pass over its pages."""

from typing import Final

from docyard_common.analysis import Analysis
from docyard_common.artifacts import Page
from processor.analysis.document_type import TypeFinder
from processor.analysis.entities import EntityCollector
from processor.analysis.keywords import keywords
from processor.analysis.language import detect
from processor.analysis.relations import RelationCollector
from processor.analysis.summary import summarize
from processor.analysis.words import Sentence, sentences
from processor.stages.reading import read_pages
from processor.stages.task import Analyzed, Progress, Report, StageTask

_SAMPLE_CHARACTERS: Final = 50_000
"""Keywords and summary come from the beginning: more costs seconds and changes little."""


class _Reading:
    """One pass over the pages of one document."""

    def __init__(self, task: StageTask) -> None:
        self._entities = EntityCollector()
        self._relations = RelationCollector()
        self._type = TypeFinder(task.content_type)
        self._sample: list[Sentence] = []
        self._size = 0
        self._excerpt = ""
        self._excerpt_bytes = task.excerpt_bytes

    def add(self, page: Page) -> None:
        self._relations.add(page, self._entities.add(page))
        if len(self._excerpt) < self._excerpt_bytes:
            self._excerpt += page.text[: self._excerpt_bytes - len(self._excerpt)] + "\n\n"
        self._type.add(page.text, width=page.width, height=page.height)
        if self._size < _SAMPLE_CHARACTERS:
            text = page.text[: _SAMPLE_CHARACTERS - self._size]
            self._sample.extend(Sentence(sentence, page.number) for sentence in sentences(text))
            self._size += len(text)

    def excerpt(self) -> str:
        """Return the beginning of the text, within what was asked for in UTF-8."""
        return self._excerpt.encode()[: self._excerpt_bytes].decode(errors="ignore")

    def analysis(self) -> Analysis:
        language, confidence = detect(" ".join(sentence.text for sentence in self._sample))
        summary, summary_pages = summarize(self._sample, language)
        entities = self._entities.entities()
        return Analysis(
            language=language,
            language_confidence=confidence,
            keywords=tuple(keywords(self._sample, language)),
            summary=summary,
            summary_pages=summary_pages,
            entities=entities,
            relations=self._relations.relations(entities),
            classification=self._type.classification(),
        )


def analyze(task: StageTask, report: Report) -> Analyzed:
    """Read all pages for entities and relations, the first ones for all else."""
    reading = _Reading(task)
    for pages, page in enumerate(read_pages(task), start=1):
        reading.add(page)
        report.progress(Progress(pages_done=pages))
    return Analyzed(reading.analysis(), reading.excerpt())
