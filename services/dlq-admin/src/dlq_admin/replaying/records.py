"""Makes the records that go back to work."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from dlq_admin.domain.letters import target_topic
from dlq_admin.errors import EditRefusedError, RecordTooLargeError, StageNotReachedError
from docyard_common.delivery.headers import PACKED_BYTES, Replay, original, replayed, text_of
from docyard_common.delivery.oversize import MAX_RECORD_BYTES, size_of
from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec
from docyard_common.events.codec import Headers, Record
from docyard_common.events.stages import Stage
from docyard_common.events.work import ReprocessRequested, StageRequested


def headers_of(entry: dict[str, Any]) -> Headers:
    """Return the headers of an entry as they lie in its dead letter."""
    names = [bytes(name).decode(errors="surrogatepass") for name in entry["header_names"]]
    values = [None if value is None else bytes(value) for value in entry["header_values"]]
    return tuple(zip(names, values, strict=True))


def replay_record(entry: dict[str, Any], replay_id: UUID) -> Record:
    """Return the record as it came, key, value and headers, marked as replayed.

    Raises ValueError where the stage of the entry is none of ours, RecordTooLargeError where its
    topic would not take the record.
    """
    replay = Replay(replay_id, entry["replay_count"])
    came = _whole_headers(entry)
    return _sendable(
        Record(
            topic=target_topic(entry["stage"], entry["origin_topic"]),
            key=entry["key"],
            value=entry["value"],
            headers=replayed(came, replay),
        )
    )


def reprocessing(
    entry: dict[str, Any], from_stage: Stage, *, by: str, at: datetime
) -> ReprocessRequested | None:
    """Return the command that has the document of *entry* processed again from *from_stage*.

    None where that is the stage that failed: then the record itself is replayed. Raises
    StageNotReachedError for a later stage, RecordTooLargeError where the record is packed,
    UndecodableRecordError where nobody can tell whose document it is.
    """
    failed = Stage(entry["stage"])
    if from_stage is failed:
        return None
    if from_stage.position > failed.position:
        raise StageNotReachedError(f"it failed in {failed}")
    request = codec.decode(entry["value"], _whole_headers(entry))
    if not isinstance(request, StageRequested):
        raise UndecodableRecordError("the record asks for no stage")
    return ReprocessRequested(
        document_id=request.document_id,
        owner=request.owner,
        from_stage=from_stage,
        after_generation=request.generation,
        requested_by=by,
        requested_at=at,
    )


def request_of(entry: dict[str, Any]) -> StageRequested | None:
    """Return the work that an entry without a document asks for, if it can be read by now."""
    if entry["document_id"] is not None or entry["stage"] is None:
        return None
    try:
        event = codec.decode(entry["value"], headers_of(entry))
    except UndecodableRecordError:
        return None
    return event if isinstance(event, StageRequested) and event.stage == entry["stage"] else None


def edited_record(entry: dict[str, Any], event: StageRequested, replay_id: UUID) -> Record:
    """Return a copy with another value: a new `ce_id`, the old one in a header of its own.

    Raises ValueError where the stage of the entry is none of ours, EditRefusedError where its topic
    would not take the copy.
    """
    came = headers_of(entry)
    topic = target_topic(entry["stage"], entry["origin_topic"])
    record = codec.encode(event, topic=topic, source="dlq-admin")
    replaced = {name for name, _ in record.headers}
    kept = tuple(header for header in original(came) if header[0] not in replaced)
    edited_from = text_of(came, "ce_id") or "unknown"
    replay = Replay(replay_id, entry["replay_count"], edited_from=edited_from)
    sent = Record(topic, record.key, record.value, replayed((*kept, *record.headers), replay))
    try:
        return _sendable(sent)
    except RecordTooLargeError as error:
        raise EditRefusedError("", f"{error} Its topic takes less.") from error


def edited_event(entry: dict[str, Any], value: dict[str, Any]) -> StageRequested:
    """Read an edited value. Raises EditRefusedError unless it is work for the entry's stage.

    A record that decoded keeps its document and owner: an edit must not reach other people's.
    """
    try:
        event = StageRequested.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EditRefusedError(field, first["msg"]) from error
    if event.stage != entry["stage"]:
        raise EditRefusedError("stage", f"The entry is of the stage {entry['stage']}.")
    if entry["document_id"] is not None:
        if event.document_id != entry["document_id"]:
            raise EditRefusedError("document_id", "The document of an entry can not be changed.")
        if event.owner != entry["owner"]:
            raise EditRefusedError("owner", "The owner of a document can not be changed.")
    return event


def _whole_headers(entry: dict[str, Any]) -> Headers:
    """Return the headers of an entry. Raises RecordTooLargeError where its value is packed."""
    headers = headers_of(entry)
    if text_of(headers, PACKED_BYTES) is not None:
        raise RecordTooLargeError("The dead letter holds the record packed.")
    return headers


def _sendable(record: Record) -> Record:
    """Return *record*. Raises RecordTooLargeError: one that Kafka refuses would stop its shard."""
    size = size_of(record.key, record.value, record.headers)
    if size > MAX_RECORD_BYTES:
        raise RecordTooLargeError(f"The record has {size} bytes.")
    return record
