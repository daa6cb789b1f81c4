"""Analyze: what the text is about, in one pass over its pages."""

from collections.abc import Iterator
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
from processor.stages.measures import Measure
from processor.stages.reading import read_pages
from processor.stages.task import Analyzed, Progress, Report, StageTask

_SAMPLE_CHARACTERS: Final = 50_000
"""Keywords and summary come from the beginning: more costs seconds and changes little."""


class _Reading:
    """One pass over the pages of one document."""

    def __init__(self, task: StageTask) -> None:
        self._entities = EntityCollector()
        self._relations = RelationCollector()
        self._relates = Measure.NO_RELATIONS not in task.measures
        self._type = TypeFinder(task.content_type)
        self._sample: list[Sentence] = []
        self._size = 0
        self._excerpt = ""
        self._excerpt_bytes = task.excerpt_bytes

    def add(self, page: Page) -> None:
        named = self._entities.add(page)
        if self._relates:
            self._relations.add(page, named)
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
    """Read all pages for entities and relations, the first ones for all else.

    The first ones for everything, and no relations, as the measures of *task* say.
    """
    reading = _Reading(task)
    alone = Measure.BEGINNING_ALONE in task.measures
    for pages, page in enumerate(_beginning(task) if alone else read_pages(task), start=1):
        reading.add(page)
        report.progress(Progress(pages_done=pages))
    return Analyzed(reading.analysis(), reading.excerpt())


def _beginning(task: StageTask) -> Iterator[Page]:
    """Yield the pages that the sample is taken from, the last one cut where it ends."""
    left = _SAMPLE_CHARACTERS
    for page in read_pages(task):
        yield page.model_copy(update={"text": page.text[:left]})
        left -= len(page.text)
        if left <= 0:
            return
