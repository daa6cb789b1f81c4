"""Builds the FastAPI application of a service: what all of them have, in one order."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Lifespan

from docyard_common.http import handlers
from docyard_common.http.bodies import BodyLimitMiddleware
from docyard_common.http.edge import EdgeMiddleware
from docyard_common.http.lifecycle import Process
from docyard_common.http.operations import operations
from docyard_common.http.problems import MEDIA_TYPE, ProblemDocument
from docyard_common.observability import metrics
from docyard_common.observability.health import Health
from docyard_common.settings import HttpSettings

_REF: Final = "#/components/schemas/{model}"
_PROBLEM: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem document (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemDocument")}}},
    }
}


def create_app(
    *,
    title: str,
    description: str,
    settings: HttpSettings,
    health: Health,
    lifespan: Lifespan[FastAPI],
    streamed_paths: Sequence[str] = (),
) -> FastAPI:
    """Return an application with problems, health, metrics, CORS and the edge installed.

    Bodies of *streamed_paths* (regular expressions, matched as a whole) have no limit here: their
    routes set one. The routes of the service are added to what is returned.
    """
    app = FastAPI(
        title=title, description=description, version="1.0", lifespan=lifespan, responses=_PROBLEM
    )
    metrics.BUILD_INFO.info({"service": health.service, "version": health.version})
    app.state.process = Process()
    app.state.health = health
    handlers.install(app)
    app.include_router(operations(health))
    # The last one added is the outermost: CORS headers belong on every answer, errors included.
    app.add_middleware(BodyLimitMiddleware, streamed_paths=tuple(streamed_paths))
    app.add_middleware(EdgeMiddleware)
    if settings.cors_origins:
        _allow_origins(app, settings.cors_origins)
    _describe_problems(app)
    return app


def _allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["*"],
        max_age=600,
    )


def _describe_problems(app: FastAPI) -> None:
    """Put the schema that every route refers to into the OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        _, models = models_json_schema([(ProblemDocument, "serialization")], ref_template=_REF)
        schema.setdefault("components", {}).setdefault("schemas", {}).update(models["$defs"])
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
