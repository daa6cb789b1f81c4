"""`docyard doctor`: what is wrong, and what to do."""

import os
from typing import TYPE_CHECKING

import typer

from docyard.cli.exits import Exit
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.diagnosis.finding import Finding

app = typer.Typer()


@command(app)
async def doctor(session: Session) -> None:
    """Look at every part and say what is wrong and what to do; exits 1 when something is."""
    found = await _examine(session)
    is_well = all(finding.verdict != "failed" for finding in found)
    if session.output.as_json:
        session.output.value({"healthy": is_well, "items": [each.to_json() for each in found]})
    else:
        columns = ("", "check", "what was seen", "what to do")
        session.output.table(columns, map(_row, found))
    if not is_well:
        raise typer.Exit(Exit.ERROR)


async def _examine(session: Session) -> list["Finding"]:
    from docyard.client import AsyncClient
    from docyard.diagnosis.finding import failed
    from docyard.diagnosis.local import local
    from docyard.diagnosis.services import services
    from docyard.diagnosis.work import work
    from docyard.endpoints import Wanted, data_folder, resolve
    from docyard.errors import ConfigurationError
    from docyard.retrying import RetryPolicy

    # What runs on this machine says nothing of a Docyard elsewhere.
    elsewhere = session.url or os.environ.get("DOCYARD_URL")
    found = [] if elsewhere else local(data_folder(session.data, os.environ))
    try:
        endpoints = resolve(Wanted(url=session.url, token=session.token, data=session.data))
    except ConfigurationError as error:
        return [*found, failed("address", str(error), "")]
    seen = await services(endpoints)
    found += seen
    if any(each.check == "ingest" and each.verdict == "failed" for each in seen):
        return found
    async with AsyncClient(endpoints, retry=RetryPolicy(attempts=1)) as client:
        return [*found, *await work(client, token=endpoints.token)]


def _row(finding: "Finding") -> tuple[str, ...]:
    return (finding.verdict, finding.check, finding.detail, finding.advice)
