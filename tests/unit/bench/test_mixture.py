"""A mixture keeps its promise: all can be read but those that are broken on purpose."""

import hashlib
from pathlib import Path

from bench.mixture import Mixture

from docyard_common.errors import PermanentError
from docyard_common.events.stages import Stage
from docyard_stack.samples import Outcome, Sample
from processor.stages.run import run_stage
from processor.stages.task import FoundMember, MemberData, PagesReady, Progress, StageTask

ROUND = 41  # documents until the kinds begin again


class Ignored:
    def progress(self, progress: Progress) -> None: ...

    def member(self, told: MemberData | FoundMember) -> None: ...

    def pages(self, batch: PagesReady) -> None: ...


def outcome(sample: Sample) -> Outcome:
    data = sample.path.read_bytes()
    task = StageTask(
        stage=Stage.VALIDATE,
        filename=sample.name,
        content_type=None,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        input=sample.path,
        ocr=False,
    )
    try:
        for stage in (Stage.VALIDATE, Stage.EXTRACT):
            run_stage(task.model_copy(update={"stage": stage}), Ignored())
    except PermanentError:
        return Outcome.FAILED
    return Outcome.COMPLETED


def test_every_document_becomes_what_it_says(tmp_path: Path) -> None:
    mixture = Mixture()
    made = [mixture.write(tmp_path, number) for number in range(3 * ROUND)]

    assert [one.name for one in made if outcome(one) is not one.outcome] == []
    assert sum(one.outcome is Outcome.FAILED for one in made) == 3


def test_no_two_documents_are_alike(tmp_path: Path) -> None:
    mixture = Mixture()
    made = [mixture.write(tmp_path, number) for number in range(3 * ROUND)]

    assert len({one.path.read_bytes() for one in made}) == len(made)
