"""API keys by HTTP: admins make them for machines, and revoke them."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from docyard_common.api_keys import ApiKey, PostgresApiKeys, make
from docyard_common.auth import Principal
from docyard_common.clock import Clock
from docyard_common.http import require_role
from docyard_common.ids import uuid7
from ingest.api import cursors
from ingest.api.callers import Cursor, Limit
from ingest.api.links import API
from ingest.api.models import Answer
from ingest.api.problems import refusals
from ingest.errors import ApiKeyNotFoundError

Admin: TypeAlias = Annotated[Principal, Depends(require_role("admin"))]
_Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]


class ApiKeyRequest(BaseModel):
    """What a key is for; `subject` is the owner of what the machine uploads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    subject: _Text
    roles: list[Literal["user", "operator", "admin"]] = ["user"]
    expires_in_s: int | None = Field(default=None, gt=0, le=10 * 366 * 86_400)


class ApiKeyOut(Answer):
    """A key without its secret."""

    key_id: UUID
    name: str
    subject: str
    roles: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyOut":
        return cls.model_validate(vars(key) | {"roles": list(key.roles)})


class ApiKeyMade(ApiKeyOut):
    """A key with its secret: shown this once."""

    key: str


class ApiKeyList(Answer):
    """Newest first, revoked ones too."""

    items: list[ApiKeyOut]
    next_cursor: str | None


class ApiKeyRoutes:
    """Routes for admins."""

    def __init__(self, *, keys: PostgresApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def router(self) -> APIRouter:
        router = APIRouter(prefix=f"{API}/api-keys", tags=["api keys"])
        add = router.add_api_route
        add(
            "",
            self.make,
            methods=["POST"],
            status_code=201,
            summary="Make an API key",
            responses=refusals("ROLE_REQUIRED"),
        )
        add(
            "",
            self.listed,
            summary="List API keys",
            responses=refusals("ROLE_REQUIRED", "CURSOR_INVALID"),
        )
        add(
            "/{key_id}",
            self.revoke,
            methods=["DELETE"],
            status_code=204,
            summary="Revoke an API key",
            responses=refusals("ROLE_REQUIRED", "API_KEY_NOT_FOUND"),
        )
        return router

    async def make(self, caller: Admin, wanted: ApiKeyRequest, response: Response) -> ApiKeyMade:
        """Make a key, and show its secret this once: only its hash is kept.

        A repeat makes another key, whatever its `Idempotency-Key`: a secret can not be shown again.
        """
        now, new = self._clock.now(), make(uuid7())
        expires_in = wanted.expires_in_s
        key = ApiKey(
            key_id=new.key_id,
            name=wanted.name,
            subject=wanted.subject,
            roles=tuple(wanted.roles),
            secret_sha256=new.secret_sha256,
            created_at=now,
            created_by=caller.subject,
            expires_at=now + timedelta(seconds=expires_in) if expires_in else None,
        )
        await self._keys.add(key)
        response.headers["Cache-Control"] = "no-store"
        return ApiKeyMade(key=new.text, **ApiKeyOut.of(key).model_dump())

    async def listed(self, caller: Admin, cursor: Cursor = None, limit: Limit = 100) -> ApiKeyList:
        """Answer all keys without their secrets."""
        del caller
        before = None if cursor is None else cursors.read_id(cursor)
        found = await self._keys.page(before=before, limit=limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        return ApiKeyList(
            items=[ApiKeyOut.of(key) for key in shown],
            next_cursor=cursors.write(str(shown[-1].key_id)) if more else None,
        )

    async def revoke(self, caller: Admin, key_id: UUID) -> None:
        """End a key for every service at once. Idempotent."""
        del caller
        if not await self._keys.revoke(key_id, at=self._clock.now()):
            raise ApiKeyNotFoundError("There is no such API key.")
