"""Validate: the stored bytes are those that were accepted, and what they claim to be."""

from docyard_common.delivery.outcome import Done
from docyard_common.events.work import StageRequested
from docyard_common.work.model import Lease
from processor.handlers.desk import Desk
from processor.handlers.reusing import Reusing
from processor.stages.task import Validated


class Validate:
    """Leaves no artifact of its own: a run whose end was lost is simply done again."""

    def __init__(self, desk: Desk, *, reusing: Reusing) -> None:
        self._desk = desk
        self._reusing = reusing

    async def __call__(self, lease: Lease, request: StageRequested) -> Done:
        """Read the whole document once, unless an equal one's result can be taken over.

        Raises the reason why it can not be processed.
        """
        if taken := await self._reusing.find(lease, request):
            return taken
        async with self._desk.run(lease, request) as run:
            path, digest = await self._desk.original(run)
            result = await self._desk.work(run, run.task(input=path, sha256_read=digest))
        assert isinstance(result, Validated)  # noqa: S101 - the answer to a validate task
        media_type = result.media_type.value
        return Done(
            pages_total=result.page_count,
            content_type=media_type,
            results={"content_type": media_type, "page_count": result.page_count},
        )
