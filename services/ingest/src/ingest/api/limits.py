"""Limits by HTTP: what the caller has left, and what operators set for one owner."""

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path

from docyard_common.auth import Principal
from docyard_common.http import require_role
from ingest.api import cursors
from ingest.api.callers import Caller, Cursor, Limit
from ingest.api.limit_models import LimitChangeList, LimitChangeOut, OwnerLimitsOut, QuotaOut
from ingest.api.links import API
from ingest.api.problems import refusals
from ingest.limits.admission import Admission
from ingest.limits.keeper import LimitKeeper
from ingest.limits.owner_limits import LimitOverrides
from ingest.limits.rates import rates_of
from ingest.settings import LimitSettings

Operator: TypeAlias = Annotated[Principal, Depends(require_role("operator"))]
Owner: TypeAlias = Annotated[
    str,
    Path(
        min_length=1,
        max_length=255,
        pattern=r"^[^\x00]+$",
        description="`sub` of the owner's tokens, percent-encoded.",
    ),
]


class LimitRoutes:
    """The caller's own quota for everybody, the limits of others for operators."""

    def __init__(
        self, *, admission: Admission, keeper: LimitKeeper, settings: LimitSettings
    ) -> None:
        self._admission = admission
        self._keeper = keeper
        self._settings = settings

    def router(self) -> APIRouter:
        router = APIRouter(prefix=API, tags=["limits"])
        add, one = router.add_api_route, "/owners/{owner:path}/limits"
        add("/quota", self.quota, summary="Read what is left", responses=refusals())
        add(
            f"{one}/changes",
            self.changes,
            summary="Read who changed an owner's limits",
            responses=refusals("ROLE_REQUIRED", "CURSOR_INVALID"),
        )
        add(one, self.read, summary="Read an owner's limits", responses=refusals("ROLE_REQUIRED"))
        add(
            one,
            self.set,
            methods=["PUT"],
            summary="Set an owner's limits",
            responses=refusals("ROLE_REQUIRED", "FIELD_INVALID"),
        )
        add(
            one,
            self.reset,
            methods=["DELETE"],
            summary="Give an owner the defaults again",
            responses=refusals("ROLE_REQUIRED"),
        )
        return router

    async def quota(self, caller: Caller) -> QuotaOut:
        """Answer what the caller may upload and what is used; what is marked deleted is free."""
        limits = await self._admission.limits(caller.subject)
        used = await self._admission.usage(caller.subject)
        return QuotaOut.of(limits, used, rates_of(caller, self._settings, limits.overrides))

    async def read(self, caller: Operator, owner: Owner) -> OwnerLimitsOut:
        """Answer what holds for an owner; one that was never seen has the defaults."""
        del caller
        limits = await self._admission.limits(owner)
        return OwnerLimitsOut.of(owner, limits, await self._admission.usage(owner))

    async def set(
        self, caller: Operator, owner: Owner, overrides: LimitOverrides
    ) -> OwnerLimitsOut:
        """Replace what is set for an owner: what is left out gets its default, 0 sets no limit.

        No restart: this replica heeds it at once, the others within seconds. Documents that are
        there already stay, also above a lower quota.
        """
        limits = await self._keeper.set(owner, overrides, actor=caller.subject)
        return OwnerLimitsOut.of(owner, limits, await self._admission.usage(owner))

    async def reset(self, caller: Operator, owner: Owner) -> OwnerLimitsOut:
        """Remove all that is set for an owner. Idempotent."""
        return await self.set(caller, owner, LimitOverrides())

    async def changes(
        self, caller: Operator, owner: Owner, cursor: Cursor = None, limit: Limit = 100
    ) -> LimitChangeList:
        """Answer who has set what for an owner, newest first."""
        del caller
        before = None if cursor is None else cursors.read_number(cursor)
        found = await self._keeper.changes(owner, before_id=before, limit=limit + 1)
        shown = found[:limit]
        return LimitChangeList(
            items=[
                LimitChangeOut(
                    at=change.at,
                    actor=change.actor,
                    before=None if change.before is None else LimitOverrides(**change.before),
                    after=None if change.after is None else LimitOverrides(**change.after),
                )
                for change in shown
            ],
            next_cursor=cursors.write(shown[-1].change_id) if len(found) > limit else None,
        )
