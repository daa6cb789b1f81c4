from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.exceptions import HTTPException

from docyard_common.auth import Principal, TokenVerifier
from docyard_common.errors import DependencyUnavailableError, ObjectMissingError
from docyard_common.http import (
    Problem,
    authenticate_with,
    create_app,
    principal,
    require_role,
)
from docyard_common.ids import uuid7
from docyard_common.observability.health import Health
from docyard_common.settings import AuthSettings, HttpSettings

SECRET = "s" * 32
ORIGIN = "https://app.example.org"


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    count: int = Field(default=1, ge=1)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
def app() -> FastAPI:
    app = create_app(
        title="Test",
        description="For tests.",
        settings=HttpSettings(cors_origins=(ORIGIN,)),
        health=Health("test"),
        lifespan=lifespan,
        streamed_paths=("/stream-in",),
    )
    authenticate_with(app, TokenVerifier(AuthSettings(secret=SecretStr(SECRET))))
    _add_routes(app)
    _add_failing_routes(app)
    _add_guarded_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    @app.get("/things/{thing_id}")
    async def thing(thing_id: int) -> dict[str, int]:
        return {"thing_id": thing_id}

    @app.post("/orders")
    async def order(order: Order) -> Order:
        return order

    @app.post("/stream-in")
    @app.post("/whole")
    async def size(request: Request) -> dict[str, int]:
        return {"size": sum([len(piece) async for piece in request.stream()])}


def _add_failing_routes(app: FastAPI) -> None:
    @app.get("/raise/{what}")
    async def fail(what: str) -> None:
        raise {
            "problem": Problem(
                409,
                "PARTS_MISSING",
                "Parts are missing.",
                headers={"X-Extra": "1"},
                upload_id=uuid7(),
                missing=[1, 2],
            ),
            "limit": Problem(429, "RATE_LIMITED", "Slow down.", headers={"Retry-After": "7"}),
            "http": HTTPException(413),
            "outage": DependencyUnavailableError("object_store", "10.0.0.1 refused"),
            "missing": ObjectMissingError("documents/secret/path"),
            "bug": RuntimeError("/etc/secret/path"),
        }[what]

    @app.get("/breaks-off")
    async def breaks_off() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("no more")

        return StreamingResponse(pieces())


def _add_guarded_routes(app: FastAPI) -> None:
    @app.get("/me")
    async def me(caller: Annotated[Principal, Depends(principal)]) -> str:
        return caller.subject

    @app.get("/operators")
    async def operators(caller: Annotated[Principal, Depends(require_role("operator"))]) -> str:
        return caller.subject


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
