"""Bodies that clients send."""

from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dlq_admin.api.models import Reason, ReplayFilter, Text
from dlq_admin.domain.entries import EntryFilter
from dlq_admin.domain.replays import MAX_ENTRIES, Selection
from docyard_common.events.stages import Stage

DEFAULT_RATE_PER_S = 20.0
MAX_RATE_PER_S = 500.0
_MAX_IDS = 10_000


class ReplayRequest(BaseModel):
    """An order for a replay: exactly one of `entry_ids`, `filter` and `group`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"group": "3f1c2a9b8d7e6f50", "reason": "parser fixed", "dry_run": True},
                {"entry_ids": ["01999999-0000-7000-8000-000000000001"]},
            ]
        },
    )

    entry_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=_MAX_IDS)
    filter: ReplayFilter | None = None
    group: Text | None = Field(default=None, min_length=1, description="A fingerprint.")
    dry_run: bool = False
    rate_per_s: float = Field(default=DEFAULT_RATE_PER_S, ge=0.1, le=MAX_RATE_PER_S)
    max: int = Field(default=MAX_ENTRIES, ge=1, le=MAX_ENTRIES)
    reason: Reason | None = None
    from_stage: Stage | None = Field(
        default=None,
        description="Process the documents again from this stage on; null replays the one failed.",
    )

    @model_validator(mode="after")
    def _is_meant(self) -> Self:
        chosen = [name for name in ("entry_ids", "filter", "group") if getattr(self, name)]
        if len(chosen) != 1:
            raise ValueError("give exactly one of entry_ids, filter and group")
        if self.filter is not None and not self.filter.model_dump(exclude_defaults=True):
            raise ValueError("a filter that does not narrow would replay everything")
        if self.reason is None and not self.dry_run and len(self.entry_ids or ()) != 1:
            raise ValueError("a replay of more than one entry needs a reason")
        return self

    def selection(self) -> Selection:
        """Return what is asked for."""
        if self.entry_ids:
            ids = tuple(dict.fromkeys(self.entry_ids))
            return Selection({"entry_ids": [str(one) for one in ids]}, entry_ids=ids)
        if self.group:
            where = EntryFilter(fingerprint=self.group)
            return Selection({"group": self.group}, where=where)
        asked = self.filter or ReplayFilter()
        return Selection(
            {"filter": asked.model_dump(mode="json", exclude_defaults=True)},
            where=entry_filter(asked),
        )


class RetryTasks(BaseModel):
    """The short form: tasks are entries."""

    model_config = ConfigDict(extra="forbid")

    task_ids: list[UUID] = Field(min_length=1, max_length=_MAX_IDS)
    reason: Reason = "retried as failed tasks"


class SlotsRequest(BaseModel):
    """How many documents a stage works on at once, in each replica."""

    model_config = ConfigDict(extra="forbid")

    slots: int | None = Field(ge=0, le=64)


class DiscardRequest(BaseModel):
    """Why the entry is given up."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class EditRequest(BaseModel):
    """The whole value that takes the place of the old one, and why."""

    model_config = ConfigDict(extra="forbid")

    value: dict[str, Any]
    reason: Reason


def entry_filter(asked: ReplayFilter) -> EntryFilter:
    """Return the filter that *asked* describes; times without an offset are UTC."""
    return EntryFilter(
        stage=asked.stage,
        reason=asked.reason,
        states=tuple(asked.state),
        since=_aware(asked.since),
        until=_aware(asked.until),
        document_id=asked.document_id,
        owner=asked.owner,
        text=asked.text,
        fingerprint=asked.fingerprint,
    )


def _aware(at: datetime | None) -> datetime | None:
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
