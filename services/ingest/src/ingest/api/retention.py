"""How long things are kept, and what was erased, by HTTP."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, Limit
from ingest.api.limits import Operator, Owner
from ingest.api.links import API
from ingest.api.models import Answer
from ingest.api.problems import refusals
from ingest.documents.retention import Retention
from ingest.tables.retention import Terms

_Days = Annotated[int | None, Field(ge=1, le=36_500)]
_MAX_OWNER = 255


class TermsModel(BaseModel):
    """Days after a document's end; null keeps it until somebody deletes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents_days: _Days = None  # all of it: row, artifacts, index, bytes, history
    originals_days: _Days = None  # the uploaded bytes alone
    artifacts_days: _Days = None  # what was made of them: text, pages, thumbnail, index, graph
    events_days: _Days = None  # its history alone

    @classmethod
    def of(cls, terms: Terms) -> "TermsModel":
        return cls(**asdict(terms))


class ErasureOut(Answer):
    """One line of the audit; it outlives the document."""

    id: int
    at: datetime
    actor: str  # who asked for it; `retention` for a term that has passed
    what: Literal["document", "original", "artifacts", "events", "retention_changed"]
    owner: str
    document_id: UUID | None
    detail: dict[str, Any]


class ErasureList(Answer):
    """Newest first."""

    items: list[ErasureOut]
    next_cursor: str | None


class RetentionRoutes:
    """Everybody reads their own terms and erasures; operators set terms and read all."""

    def __init__(self, *, retention: Retention) -> None:
        self._retention = retention

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["retention"])
        add, one = router.add_api_route, "/owners/{owner:path}/retention"
        role = refusals("ROLE_REQUIRED")
        add("/retention", self.own, summary="Read how long things are kept", responses=refusals())
        add(
            "/erasures",
            self.erasures,
            summary="Read what was erased",
            responses=refusals("CURSOR_INVALID"),
        )
        add(one, self.read, summary="Read an owner's terms", responses=role)
        add(one, self.set, methods=["PUT"], summary="Set an owner's terms", responses=role)
        add(one, self.reset, methods=["DELETE"], summary="Give the defaults", responses=role)
        return router

    async def own(self, caller: Caller) -> TermsModel:
        """Answer how long the caller's documents are kept."""
        return TermsModel.of(await self._retention.terms(caller.subject))

    async def read(self, caller: Operator, owner: Owner) -> TermsModel:
        """Answer how long an owner's documents are kept."""
        del caller
        return TermsModel.of(await self._retention.terms(owner))

    async def set(self, caller: Operator, owner: Owner, terms: TermsModel) -> TermsModel:
        """Replace an owner's terms; they also hold for what is there already."""
        wanted = Terms(**terms.model_dump())
        return TermsModel.of(await self._retention.set_terms(owner, wanted, actor=caller.subject))

    async def reset(self, caller: Operator, owner: Owner) -> TermsModel:
        """Give an owner the defaults again. Idempotent."""
        return TermsModel.of(await self._retention.set_terms(owner, None, actor=caller.subject))

    async def erasures(
        self,
        caller: Caller,
        owner: Annotated[str | None, Query(max_length=_MAX_OWNER, pattern=r"^[^\x00]+$")] = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> ErasureList:
        """Answer what was erased, by whom and when: the caller's own, for operators everybody's."""
        narrowed = owner if caller.has("operator") else caller.subject
        before = None if cursor is None else cursors.read_number(cursor)
        rows = await self._retention.audit(owner=narrowed, before=before, limit=limit + 1)
        more = len(rows) > limit
        return ErasureList(
            items=[ErasureOut(**row) for row in rows[:limit]],
            next_cursor=cursors.write(rows[limit - 1]["id"]) if more else None,
        )
