"""Does one thing to several things; one that fails does not stop the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import typer

from docyard.cli.exits import Exit, error_json, exit_of
from docyard.cli.session import Session
from docyard.errors import DocyardError


async def each(
    session: Session,
    ids: Sequence[str],
    act: Callable[[str], Awaitable[object]],
    *,
    done: str,
) -> None:
    """Call *act* for every id and say what became of it; *done* names the success.

    A single failure raises as it came; of several ids, the exit code says all or some failed.
    """
    outcomes: list[dict[str, Any]] = []
    failures: list[DocyardError] = []
    for id_ in ids:
        try:
            await act(id_)
            outcomes.append({"id": id_, "outcome": done})
        except DocyardError as error:
            if len(ids) == 1:
                raise
            failures.append(error)
            outcomes.append({"id": id_, "outcome": "failed", "error": error_json(error)})
            session.output.complain(f"docyard: {id_}: {error}")
        else:
            session.output.note(f"{id_} {done}")
    if session.output.as_json:
        session.output.value({"items": outcomes})
    if failures:
        raise typer.Exit(exit_of_many(failures, of=len(ids)))


def exit_of_many(failures: Sequence[Exception], *, of: int) -> Exit:
    """Return the exit code of *of* attempts: the common cause, or that only some failed."""
    if not failures:
        return Exit.OK
    codes = {exit_of(failure) for failure in failures}
    return codes.pop() if len(failures) == of and len(codes) == 1 else Exit.PARTLY
