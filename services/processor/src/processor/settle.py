"""Writes what an outcome says: rows, history and facts in one transaction, under the fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from docyard_common.database import Database, Transaction, lock_document, lock_documents
from docyard_common.delivery.outcome import (
    Abandoned,
    DeadLetter,
    Done,
    Outcome,
    Paused,
    Retry,
)
from docyard_common.errors import SupersededError
from docyard_common.events import codec
from docyard_common.events.work import StageRequested
from docyard_common.outbox import Outbox
from docyard_common.work import settling
from docyard_common.work.model import Lease
from processor.facts import Facts
from processor.reuse import results
from processor.reuse.recipe import Recipes
from processor.together import Together, Verdict

_PAUSE_S = 1.0
"""How long a row stays away after a server did not answer; the breaker holds the slots longer."""


@dataclass(frozen=True)
class _Ending:
    """How one run ended, and what is to be published if its row is still its own."""

    lease: Lease
    request: StageRequested
    outcome: Outcome
    records: Sequence[codec.Record]
    recipe: str | None = None  # by which the document is whole now


class Settlement:
    """Settles runs for the slots of one process, those that end together in one transaction."""

    def __init__(self, *, database: Database, outbox: Outbox, recipes: Recipes) -> None:
        self._database = database
        self._outbox = outbox
        self._recipes = recipes
        self._facts = Facts(outbox=outbox, recipes=recipes)
        self._together = Together(self._settle_all)

    async def announce(self, lease: Lease) -> None:
        """Tell that a slot works on *lease*. Repeating it changes nothing: its `seq` is the same.

        Raises DependencyUnavailableError.
        """
        async with self._database.transaction() as tx, tx.pipeline():
            await lock_document(tx, lease.key.document_id)
            await self._outbox.add(tx, self._facts.started(lease))

    async def settle(
        self, lease: Lease, request: StageRequested, outcome: Outcome, *, announced: bool
    ) -> None:
        """Write what *outcome* says, guarded by the fence of *lease*; and its start, if untold.

        Raises SupersededError when another run has taken over or the document was cancelled:
        nothing is written then. Raises DependencyUnavailableError when the database is away; it
        may have taken effect, and calling again answers that with SupersededError. A crash before
        the commit leaves the row to the next run; nothing here can lose it.
        """
        records = await self._records(lease, request, outcome)
        if records and not announced:
            records.insert(0, self._facts.started(lease))
        recipe = self._whole_by(lease, request, outcome)
        await self._together.do(_Ending(lease, request, outcome, records, recipe))

    async def _settle_all(self, endings: Sequence[_Ending]) -> list[Verdict]:
        """Write all *endings* in one transaction; of a run that lost its row, nothing."""
        # Rows are locked in the order of their keys here and by the heartbeat: no deadlocks.
        ordered = sorted(endings, key=lambda ending: ending.lease.key)
        async with self._database.transaction() as tx:
            async with tx.pipeline():
                await lock_documents(tx, [ending.lease.key.document_id for ending in ordered])
                holds = {id(each): await _change(tx, each) for each in ordered}
            verdicts = [_verdict(holds[id(ending)]) for ending in endings]
            seen = [each for each, why in zip(endings, verdicts, strict=True) if why is None]
            async with tx.pipeline():
                await self._outbox.add(tx, *(record for each in seen for record in each.records))
                await tx.commit()
        return verdicts

    async def _records(
        self, lease: Lease, request: StageRequested, outcome: Outcome
    ) -> list[codec.Record]:
        """Return what tells that the run has ended, in the context of its own trace."""
        now = datetime.now(UTC)
        match outcome:
            case Done(pages_total=pages_total):
                lease.meter.pages = pages_total
                return self._facts.done(lease, request, outcome, now)
            case Retry():
                return [self._facts.retry(lease, outcome, now)]
            case DeadLetter(failure):
                async with self._database.autocommit() as tx:
                    earlier = await settling.ladder(tx, lease)
                return self._facts.dead(lease, failure, now, earlier=earlier)
            case Paused() | Abandoned():
                return []
            case _:
                assert_never(outcome)

    async def release(self, lease: Lease) -> None:
        """Give the row back at once: this process is about to end."""
        async with self._database.transaction() as tx:
            (await settling.release(tx, lease)).confirm()

    def _whole_by(self, lease: Lease, request: StageRequested, outcome: Outcome) -> str | None:
        """Return the recipe that the document is whole by, if this run has ended the last stage."""
        if not isinstance(outcome, Done) or lease.key.stage.following is not None:
            return None
        with_errors = outcome.with_errors or request.with_errors
        return self._recipes.kept(lease, request, with_errors=with_errors)


async def _change(tx: Transaction, ending: _Ending) -> settling.Hold | None:
    """Change the row as the outcome says, if it is still the run's."""
    lease = ending.lease
    match ending.outcome:
        case Done(reuse=reuse):
            hold = await settling.remove(tx, lease)
            if reuse is not None:
                await settling.take_over(tx, lease, [stage for stage, _ in reuse.following])
            if ending.recipe is not None:
                await results.note(tx, lease, ending.request, ending.recipe)
            return hold
        case Retry(delay_s, failure, mode):
            return await settling.postpone(tx, lease, delay_s=delay_s, failure=failure, mode=mode)
        case DeadLetter(failure):
            return await settling.bury(tx, lease, failure=failure)
        case Paused():
            return await settling.release(tx, lease, delay_s=_PAUSE_S)
        case Abandoned():
            await settling.discard(tx, lease)
            return None
        case _:
            assert_never(ending.outcome)


def _verdict(hold: settling.Hold | None) -> Verdict:
    """Return why nothing may be seen of a run; None when its row was its own."""
    try:
        if hold is not None:
            hold.confirm()
    except SupersededError as error:
        return error
    return None
