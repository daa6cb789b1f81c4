"""Parameters that several routes share."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Query

from dlq_admin.api.access import Caller, visible_owner
from dlq_admin.api.models import ReplayFilter, Text
from dlq_admin.api.requests import entry_filter
from dlq_admin.domain.entries import EntryFilter, EntryState
from docyard_common.events.stages import Stage

Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next_cursor` of a page.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key gives the same replay.",
    ),
]
TextQuery = Annotated[Text | None, Query()]
_NOBODY: Final = ""
"""An owner that no document has."""
_Failed = Annotated[datetime | None, Query(description="Of the last failure; RFC 3339.")]


def what(
    stage: Annotated[Stage | None, Query()] = None,
    reason: TextQuery = None,
    state: Annotated[list[EntryState] | None, Query(max_length=len(EntryState))] = None,
    document_id: Annotated[UUID | None, Query()] = None,
    text: Annotated[Text | None, Query(description="In the error's class or message.")] = None,
) -> ReplayFilter:
    """Return what is asked for by query parameters."""
    return ReplayFilter(
        stage=stage, reason=reason, state=state or [], document_id=document_id, text=text
    )


def seen_by(
    caller: Caller,
    asked: Annotated[ReplayFilter, Depends(what)],
    since: _Failed = None,
    until: _Failed = None,
    owner: TextQuery = None,
    fingerprint: TextQuery = None,
) -> EntryFilter:
    """Return the filter of the query, narrowed to what the caller may see."""
    more = {"since": since, "until": until, "owner": owner, "fingerprint": fingerprint}
    where = entry_filter(asked.model_copy(update=more))
    own = visible_owner(caller)
    if own is None:
        return where
    # Somebody else's entries are none, not forbidden: that they exist is not told either.
    return replace(where, owner=own if owner in (None, own) else _NOBODY)


Where = Annotated[EntryFilter, Depends(seen_by)]
