"""Run the stages on files in this process, as a child would."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from docyard_common.artifacts import Page, load_pages
from docyard_common.delivery.ladder import Mode
from docyard_common.events.stages import Stage
from processor.stages.task import (
    DocumentLimits,
    FoundMember,
    MemberData,
    PagesReady,
    Progress,
    StageTask,
)


@dataclass
class KeptReport:
    """Keeps what a stage tells."""

    ticks: list[Progress] = field(default_factory=list)
    batches: list[PagesReady] = field(default_factory=list)
    members: list[MemberData | FoundMember] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        self.ticks.append(progress)

    def member(self, told: MemberData | FoundMember) -> None:
        self.members.append(told)

    def pages(self, batch: PagesReady) -> None:
        self.batches.append(batch)

    def kept_pages(self) -> list[Page]:
        return [page for batch in self.batches for page in load_pages(batch.data)]

    def text(self) -> str:
        return "\n".join(page.text for page in self.kept_pages())


def task_for(
    path: Path,
    *,
    stage: Stage = Stage.EXTRACT,
    content_type: str | None = None,
    first_page: int = 1,
    limits: DocumentLimits | None = None,
    mode: Mode = Mode.STANDARD,
) -> StageTask:
    data = path.read_bytes()
    return StageTask(
        stage=stage,
        filename=path.name,
        content_type=content_type,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        input=path,
        first_page=first_page,
        limits=limits or DocumentLimits(),
        mode=mode,
    )
