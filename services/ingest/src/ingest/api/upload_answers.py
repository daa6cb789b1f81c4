"""Uploads in several requests as their routes answer them."""

from uuid import UUID

from fastapi import Response

from ingest.api.links import API, LinkMaker
from ingest.api.upload_models import ActiveUpload, KnownDocument, PartReceived, UploadProgress
from ingest.upload import Upload
from ingest.uploads.assembly import missing_of
from ingest.uploads.parts import Received
from ingest.uploads.sessions import Opened, Progress


def tell_opened(response: Response, opened: Opened) -> None:
    """Say in the head of *response* where the upload is, and whether it was opened before."""
    if opened.repeated:
        response.headers["Idempotency-Replayed"] = "true"
    upload_id = opened.upload.upload_id
    response.headers["Location"] = f"{API}/documents/upload/status/{upload_id}"


def known_document(response: Response, document_id: UUID, links: LinkMaker) -> KnownDocument:
    """Answer 200 with the document that stands for an upload."""
    response.status_code = 200
    to = links.of(document_id)
    response.headers["Location"] = to.self
    return KnownDocument(document_id=document_id, job_id=document_id, links=to)


def part_received(received: Received) -> PartReceived:
    """Return the answer to a part."""
    upload, tally = received.upload, received.tally
    return PartReceived(
        upload_id=upload.upload_id,
        part_number=received.number,
        received_parts=tally.parts,
        total_parts=upload.total_parts or 0,
        received_bytes=tally.size_bytes,
        percent=_percent(upload, tally.size_bytes),
        expires_at=tally.expires_at,
    )


def upload_progress(progress: Progress) -> UploadProgress:
    """Return the answer to `status`."""
    upload, said = progress.upload, progress.upload.announced
    numbers = [part.number for part in progress.parts]
    return UploadProgress(
        upload_id=upload.upload_id,
        job_id=upload.document_id,
        state=upload.state,
        mode=said.mode,
        filename=said.filename,
        file_size=said.size_bytes,
        chunk_size=upload.part_bytes,
        total_parts=upload.total_parts,
        received_parts=numbers,
        missing_parts=missing_of(upload, numbers),
        received_bytes=progress.received_bytes,
        percent=_percent(upload, progress.received_bytes),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        document_id=upload.result_id,
        refusal=upload.refusal,
    )


def active_upload(upload: Upload, part_bytes: int) -> ActiveUpload:
    """Return an upload as `active` lists it; *part_bytes* lie in its whole parts."""
    said, received = upload.announced, part_bytes + upload.tail_bytes
    return ActiveUpload(
        upload_id=upload.upload_id,
        job_id=upload.document_id,
        state=upload.state,
        mode=said.mode,
        filename=said.filename,
        file_size=said.size_bytes,
        received_bytes=received,
        percent=_percent(upload, received),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )


def _percent(upload: Upload, received_bytes: int) -> float:
    size = upload.announced.size_bytes
    return 0.0 if not size else min(100.0, round(100 * received_bytes / size, 2))
