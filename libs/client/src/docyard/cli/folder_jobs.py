"""`docyard sync …`: folders on the machine of Docyard, uploaded and followed by Docyard itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from docyard.cli.board import board
from docyard.cli.each import each
from docyard.cli.exits import Exit
from docyard.cli.options import Options, parsed
from docyard.cli.session import Session, command

if TYPE_CHECKING:
    from docyard.client import AsyncClient
    from docyard.models import FolderFile, FolderJob

app = typer.Typer(no_args_is_help=True, help="Folder jobs: Docyard uploads a folder by itself.")

_MAX_PAGE = 1000

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a folder job.")]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Until its pass has ended.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0.0, help="Seconds to wait for, with --wait.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")]


@command(app)
async def add(  # noqa: PLR0913 - each one is an option that a person may give
    session: Session,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="On the machine of Docyard.")],
    *,
    bucket: Annotated[str | None, typer.Option(help="Where to; made if it is missing.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Of every key in that bucket.")] = None,
    pattern: Annotated[
        list[str] | None, typer.Option("--pattern", "-p", help="Glob; several widen.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with later changes.")] = False,
    process: Annotated[bool, typer.Option("--process", help="Make documents of them.")] = False,
    priority: Annotated[
        Literal["critical", "high", "normal", "low"], typer.Option(help="Of the documents.")
    ] = "low",
    owner: Annotated[str | None, typer.Option(help="Whose the documents are.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Your name for the job.")] = None,
    option: Options = None,
    wait: Wait = False,
    timeout_s: Timeout = None,
) -> None:
    """Start a folder job; with the --id of one that has ended, start its next pass."""
    from docyard.resources.folder_jobs import FolderOrder

    order = FolderOrder(
        source_folder=_absolute(folder),
        upload_id=id_,
        destination_bucket=bucket,
        destination_prefix=prefix,
        patterns=tuple(pattern or ()),
        watch=watch,
        process=process,
        priority=priority,
        owner=owner,
        processing_options=parsed(option),
    )
    async with session.client() as client:
        job = await client.folder_jobs.start(order)
        if wait:
            job = await _followed(session, client, job.upload_id, timeout_s=timeout_s)
    _tell(session, job)
    raise typer.Exit(_exit_of(job))


@command(app)
async def ls(
    session: Session,
    *,
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
    limit: Limit = 50,
) -> None:
    """List your folder jobs, newest first."""
    items: list[FolderJob] = []
    cursor = None
    async with session.client() as client:
        while len(items) < limit:
            part = await client.folder_jobs.list(
                states=[state.upper()] if state else [],
                limit=min(limit - len(items), _MAX_PAGE),
                cursor=cursor,
            )
            items += part.items
            cursor = part.next_cursor
            if cursor is None:
                break
    if session.output.as_json:
        session.output.value({"items": [job.to_json() for job in items]})
        return
    session.output.table(
        ("job id", "state", "progress", "files", "failed", "folder"),
        (
            (
                job.upload_id,
                job.state,
                f"{job.progress:.0%}",
                str(job.total_files),
                str(job.failed_files),
                job.source_folder,
            )
            for job in items
        ),
    )


@command(app)
async def show(session: Session, id_: Id, *, wait: Wait = False, timeout_s: Timeout = None) -> None:
    """Show how far a folder job is; with --wait, follow it."""
    async with session.client() as client:
        if wait:
            job = await _followed(session, client, id_, timeout_s=timeout_s)
        else:
            job = await client.folder_jobs.get(id_)
    if session.output.as_json:
        session.output.value(job.to_json())
    else:
        _describe(session, job)
    if wait:
        raise typer.Exit(_exit_of(job))


@command(app)
async def files(
    session: Session,
    id_: Id,
    *,
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
    limit: Limit = 1000,
) -> None:
    """List the files of a folder job by path, with why any has failed."""
    items: list[FolderFile] = []
    cursor = None
    async with session.client() as client:
        while len(items) < limit:
            part = await client.folder_jobs.files(
                id_,
                states=[state.upper()] if state else [],
                limit=min(limit - len(items), _MAX_PAGE),
                cursor=cursor,
            )
            items += part.items
            cursor = part.next_cursor
            if cursor is None:
                break
    if session.output.as_json:
        session.output.value({"items": [file.to_json() for file in items]})
        return
    session.output.table(
        ("state", "bytes", "reason", "document id", "path"),
        (
            (
                file.state,
                str(file.size_bytes),
                file.failure_reason or "",
                file.document_id or "",
                file.path,
            )
            for file in items
        ),
    )


@command(app)
async def rm(
    session: Session,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of folder jobs.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop and forget folder jobs; what they have uploaded stays."""
    session.confirm(f"Stop and forget {len(ids)} folder jobs?", yes=yes or len(ids) == 1)
    async with session.client() as client:
        await each(session, ids, client.folder_jobs.delete, done="removed")


def _absolute(folder: str) -> str:
    """Return the folder's path: a relative one means this machine, which may be Docyard's too."""
    return str(Path(folder).expanduser().absolute())


async def _followed(
    session: Session, client: "AsyncClient", upload_id: str, *, timeout_s: float | None
) -> "FolderJob":
    """Show the job's progress until its pass has ended."""
    with board(session.output) as rows:
        rows.add(upload_id, upload_id)
        async for job in client.folder_jobs.watch(upload_id, timeout_s=timeout_s):
            if job.has_ended:
                rows.end(upload_id, _counts(job), good=job.state == "COMPLETED")
            else:
                rows.show(upload_id, job.progress, _counts(job))
            last = job
    return last


def _counts(job: "FolderJob") -> str:
    words = f"{job.completed_files}/{job.total_files} files uploaded"
    if job.failed_files:
        words += f", {job.failed_files} failed"
    if job.waiting_for:
        words = f"waiting for the {job.waiting_for.replace('_', ' ')}, {words}"
    return words if job.state != "FAILED" else f"{words} ({job.failure_reason})"


def _tell(session: Session, job: "FolderJob") -> None:
    if session.output.as_json:
        session.output.value(job.to_json())
    else:
        session.output.text(f"{job.upload_id}\t{job.state}\t{_counts(job)}")


def _describe(session: Session, job: "FolderJob") -> None:
    skipped = ", ".join(f"{count} {kind}" for kind, count in job.skipped_files.items())
    facts = {
        "job": job.upload_id,
        "state": job.state,
        "reason": job.failure_reason,
        "waiting for": job.waiting_for,
        "progress": f"{job.progress:.0%}",
        "files": _counts(job),
        "bytes": f"{job.uploaded_bytes}/{job.total_bytes}",
        "passed by": skipped,
        "folder": job.source_folder,
        "pattern": " ".join(job.pattern or ()),
        "bucket": job.destination_bucket,
        "prefix": job.destination_prefix,
        "documents": "yes" if job.process else "no",
        "next scan": job.next_scan_at and job.next_scan_at.isoformat(),
        "created": job.created_at.isoformat(),
    }
    for name, value in facts.items():
        if value:
            session.output.text(f"{name:<14}{value}")


def _exit_of(job: "FolderJob") -> Exit:
    """Return the exit code: some files failed, or the job as a whole."""
    if job.state != "FAILED":
        return Exit.OK
    return Exit.PARTLY if job.completed_files else Exit.FAILED
