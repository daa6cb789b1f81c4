"""Whether the token is taken, the stages work, and no document is left behind."""

from typing import Final

from docyard.client import AsyncClient
from docyard.diagnosis.finding import Finding, failed, ok, warning
from docyard.endpoints import subject_of
from docyard.errors import ApiError, DocyardError, NotAllowedError
from docyard.models import Queue, StageQueue

_TOLD_S: Final = 60.0
"""A processor tells of its queue every few seconds, worked or not."""
_OLD_S: Final = 900.0
_SILENT_S: Final = 900.0
"""Beyond every lease and every pause between attempts."""


async def work(client: AsyncClient, *, token: str | None) -> list[Finding]:
    """Look with *token* at what a user sees; it looks no further where the token is refused."""
    try:
        queue = await client.processing.queue()
    except NotAllowedError as error:
        advice = "Give a valid --token or DOCYARD_TOKEN; `docyard token` makes one for this stack."
        return [failed("token", str(error), advice)]
    except DocyardError as error:
        return [failed("queue", str(error), "`docyard logs ingest` says more.")]
    return [
        ok("token", f"taken; it speaks for {subject_of(token) or 'a key'}"),
        *_queue(queue),
        *await _left_behind(client),
    ]


def _queue(queue: Queue) -> list[Finding]:
    if queue.age_s is None:
        detail = "no processor has told of its queue yet"
        return [failed("processor", detail, "Start one; `docyard logs processor` says why not.")]
    if queue.age_s > _TOLD_S:
        detail = f"no processor has told of its queue for {queue.age_s:.0f} s"
        return [failed("processor", detail, "Does one run, and does it reach Kafka?")]
    found = [finding for stage in queue.stages for finding in _stage(stage)]
    waiting = sum(stage.waiting for stage in queue.stages)
    running = sum(stage.running for stage in queue.stages)
    return [ok("processor", f"{running} documents in work, {waiting} waiting"), *found]


def _stage(stage: StageQueue) -> list[Finding]:
    found = []
    if stage.stopped:
        advice = "It goes on by itself when that answers again; `docyard logs processor`."
        found.append(failed(stage.stage, f"the stage is stopped: {stage.stopped}", advice))
    if stage.oldest_s > _OLD_S and not stage.stopped:
        detail = f"{stage.waiting} wait, the first for {stage.oldest_s:.0f} s"
        found.append(warning(stage.stage, detail, "More slots or more processors shorten that."))
    if stage.dead:
        detail = f"{stage.dead} dead letters"
        found.append(warning(stage.stage, detail, "`docyard dlq groups` says what they died of."))
    return found


async def _left_behind(client: AsyncClient) -> list[Finding]:
    """Return what `reconcile` would find; nothing for who may not ask."""
    try:
        result = await client.processing.reconcile(silent_s=_SILENT_S, dry_run=True)
    except ApiError:
        return []
    if not result.asked:
        return [ok("documents", f"{result.unfinished} unfinished, none of them silent")]
    detail = f"{result.asked} unfinished documents were not heard of for {_SILENT_S / 60:.0f} min"
    return [warning("documents", detail, "`docyard reconcile` puts them back to work.")]
