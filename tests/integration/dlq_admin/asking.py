"""Questions to the API of dead letters, and who asks them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from dlq_admin.app import application, assemble
from dlq_admin.settings import DlqAdminSettings
from docyard_common.auth import TokenVerifier, mint
from docyard_common.database import Database
from docyard_common.observability.health import Health
from docyard_common.settings import AuthSettings, DatabaseSettings

SECRET = "s" * 32
BASE = "/api/v1/dlq"


def as_(role: str, subject: str = "oscar") -> dict[str, str]:
    token = mint(SECRET, subject=subject, roles=(role,))
    return {"Authorization": f"Bearer {token}"}


OPERATOR = as_("operator")
ANN = as_("user", "ann")


async def items(client: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, headers=OPERATOR, params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def served(
    database: Database, database_settings: DatabaseSettings
) -> AsyncIterator[httpx.AsyncClient]:
    """The API over *database*, and a client for it."""
    settings = DlqAdminSettings(
        database=database_settings, auth=AuthSettings.model_validate({"secret": SECRET})
    )
    health = Health("dlq-admin")
    health.add("database", database.ping)
    app = application(
        settings,
        assemble(database, health),
        nothing,
        verifier=TokenVerifier(settings.auth),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened
