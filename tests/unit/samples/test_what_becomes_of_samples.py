"""Every sample promises what becomes of it: validate and extract keep the promise."""

import hashlib
import unicodedata

import pytest

from docyard_common.artifacts import Page, load_pages
from docyard_common.errors import PermanentError
from docyard_common.events.stages import Stage
from docyard_stack import samples
from docyard_stack.samples import Outcome, Sample
from processor.stages.extract import extract
from processor.stages.task import (
    Extracted,
    FoundMember,
    MemberData,
    PagesReady,
    Progress,
    StageTask,
)
from processor.stages.validate import validate


class Collected:
    """A reporter that keeps the pages."""

    def __init__(self) -> None:
        self.read: list[Page] = []

    def progress(self, progress: Progress) -> None:
        pass

    def member(self, told: MemberData | FoundMember) -> None:
        pass

    def pages(self, batch: PagesReady) -> None:
        self.read += load_pages(batch.data)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return samples.every(tmp_path_factory.mktemp("every"))


def task(sample: Sample, stage: Stage) -> StageTask:
    data = sample.path.read_bytes()
    return StageTask(
        stage=stage,
        filename=sample.name,
        content_type=sample.media_type,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        input=sample.path,
    )


def worked_on(sample: Sample) -> tuple[Extracted, list[Page]]:
    collected = Collected()
    validate(task(sample, Stage.VALIDATE), collected)
    return extract(task(sample, Stage.EXTRACT), collected), collected.read


def normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def test_completing_samples_have_their_words_and_pages(every: list[Sample]) -> None:
    broken_promises = []
    for sample in every:
        if sample.outcome is Outcome.COMPLETED:
            result, pages = worked_on(sample)
            text = normal("\n".join(page.text for page in pages))
            broken_promises += [
                f"{sample.name}: {w}" for w in sample.words if normal(w) not in text
            ]
            if sample.page_count not in {None, result.page_count}:
                broken_promises.append(f"{sample.name}: {result.page_count} pages")

    assert broken_promises == []


def test_words_of_pages_are_on_their_pages(every: list[Sample]) -> None:
    sample = next(sample for sample in every if sample.name == "big.pdf")

    _, pages = worked_on(sample)

    for page, word in zip(pages, sample.page_words, strict=True):
        assert word in page.text


def test_failing_samples_fail_for_their_reason(every: list[Sample]) -> None:
    failing = [sample for sample in every if sample.outcome is Outcome.FAILED]
    reasons = {}
    for sample in failing:
        with pytest.raises(PermanentError) as caught:
            worked_on(sample)
        reasons[sample.name] = caught.value.reason

    assert reasons == {sample.name: sample.reason for sample in failing}
