"""Reads problem documents out of HTTP answers, whoever wrote them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from docyard.errors import Problem

_KNOWN = frozenset(
    {"type", "title", "status", "detail", "code", "retryable", "trace_id", "errors"},
)
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


def problem_of(response: httpx.Response) -> Problem:
    """Return what a refusal says. The body must have been read.

    A body that is no problem document (a proxy's page) still makes a Problem, from the status.
    """
    body = _object(response)
    errors = body.get("errors")
    return Problem(
        status=response.status_code,
        code=str(body.get("code") or f"HTTP_{response.status_code}"),
        detail=str(body.get("detail") or ""),
        title=str(body.get("title") or _phrase(response.status_code)),
        retryable=bool(body.get("retryable", response.status_code in _PASSING)),
        trace_id=body.get("trace_id") or response.headers.get("x-request-id"),
        retry_after_s=retry_after_s(response.headers),
        errors=tuple(errors) if isinstance(errors, list) else (),
        extra={name: value for name, value in body.items() if name not in _KNOWN},
    )


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that `Retry-After` asks for, in both of its forms; None without it."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"
