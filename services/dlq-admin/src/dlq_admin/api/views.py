"""Turns rows into answers."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from dlq_admin.api import models
from dlq_admin.domain.replays import ReplayStatus
from dlq_admin.replaying.records import headers_of
from docyard_common.delivery.headers import (
    BURIAL,
    DLQ_ATTEMPTS,
    PACKED_BYTES,
    integer_of,
    text_of,
)
from docyard_common.errors import UndecodableRecordError
from docyard_common.events import codec

_OTHER_BURIALS: Final = ("kafka_dlt-", "__connect.errors.", "__streams.errors.", "__dlq.errors.")
"""How the headers begin that other writers of dead letters add; see `delivery.foreign`."""


def summary(row: dict[str, Any]) -> models.EntrySummary:
    return models.EntrySummary(**_summary(row, stack=None))


def detail(
    row: dict[str, Any],
    *,
    attempts: Sequence[dict[str, Any]],
    lineage: Sequence[dict[str, Any]],
    with_stack: bool,
) -> models.EntryDetail:
    """Return all of an entry; stacks, and who replayed it why, are not for everybody."""
    headers = headers_of(row)
    shown = headers if with_stack else [header for header in headers if not _is_burial(header[0])]
    return models.EntryDetail(
        **_summary(row, stack=row["error_stack"] if with_stack else None),
        attempts=[
            models.AttemptView(**{**attempt, "message": attempt["error_message"]})
            for attempt in attempts
        ],
        ladder=_ladder(headers),
        replays=[_lineage(replay, with_names=with_stack) for replay in lineage],
        headers=[
            models.HeaderView(name=_plain(name), value=_text(value), value_base64=_raw(value))
            for name, value in shown
        ],
        key=_text(row["key"]),
        key_base64=_raw(row["key"]),
        value=_decoded(row["value"], headers),
        value_base64=_raw(row["value"]),
        packed_bytes=integer_of(headers, PACKED_BYTES),
    )


def group(row: dict[str, Any], trend: list[int]) -> models.GroupView:
    error = models.ErrorView(class_=row["error_class"], message=row["error_message"])
    return models.GroupView(
        **{name: row[name] for name in ("fingerprint", "stage", "reason", "count", "failures")},
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        trend=trend,
        error=error,
    )


def replay(row: dict[str, Any]) -> models.ReplayView:
    """Return a replay with how far it is and how long it will take."""
    done = row["moved"] + row["failed"] + sum(row["skipped"].values())
    left = max(row["matched"] - done, 0)
    goes_on = row["status"] in (ReplayStatus.PENDING, ReplayStatus.RUNNING)
    over = ReplayStatus(row["status"]).is_final
    return models.ReplayView(
        **{name: value for name, value in row.items() if name in models.ReplayView.model_fields},
        progress=100.0 if over or not row["matched"] else round(done / row["matched"] * 100, 1),
        eta_s=round(left / row["rate_per_s"], 1) if goes_on else None,
    )


def _summary(row: dict[str, Any], *, stack: str | None) -> dict[str, Any]:
    given = {name: row[name] for name in models.EntrySummary.model_fields if name in row}
    return given | {
        "error": models.ErrorView(
            class_=row["error_class"], message=row["error_message"], stack=stack
        ),
        "origin": models.OriginView(
            topic=row["origin_topic"],
            partition=row["origin_partition"],
            offset=row["origin_offset"],
            group=row["origin_group"],
        ),
    }


def _lineage(replay: dict[str, Any], *, with_names: bool) -> models.LineageView:
    blanked = {} if with_names else {"actor": "", "reason": ""}
    return models.LineageView(**(replay | blanked))


def _is_burial(name: str) -> bool:
    return name in BURIAL or name.startswith(_OTHER_BURIALS)


def _decoded(value: bytes | None, headers: codec.Headers) -> dict[str, Any] | None:
    try:
        return codec.decode(value, headers).model_dump(mode="json")
    except UndecodableRecordError:
        return None


def _ladder(headers: codec.Headers) -> list[dict[str, Any]]:
    """Return the attempts as the dead letter tells them; nothing where it tells none."""
    try:
        told = json.loads(text_of(headers, DLQ_ATTEMPTS) or "[]")
    except ValueError:
        return []
    return [step for step in told if isinstance(step, dict)] if isinstance(told, list) else []


def _raw(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _plain(name: str) -> str:
    return name.encode(errors="replace").decode()
