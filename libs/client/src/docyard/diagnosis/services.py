"""Whether the services answer, whether what they need does, and whether the clocks agree."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from docyard.diagnosis.finding import Finding, failed, ok, warning
from docyard.endpoints import Endpoints, is_loopback

_TIMEOUT_S: Final = 10.0
_SKEW_S: Final = 30.0
"""Tokens are valid for minutes: a clock that is off by more makes them fail by and by."""

_ADVICE: Final[Mapping[str, str]] = {
    "database": "Look at PostgreSQL (`docyard logs postgres`) and at DATABASE__URL.",
    "object_store": "Look at the S3 store (`docyard logs object-store`) and at OBJECT_STORE__*.",
    "kafka": "Look at Kafka (`docyard logs kafka`) and at KAFKA__BOOTSTRAP_SERVERS.",
    "projection": "It catches up with the events; if it stays so, `docyard logs notifier`.",
}


async def services(endpoints: Endpoints) -> list[Finding]:
    """Ask every service how it is; one that does not answer within ten seconds has failed."""
    named = {
        "ingest": endpoints.ingest,
        "notifier": endpoints.notifier,
        "dlq-admin": endpoints.dlq_admin,
    }
    answers = await asyncio.gather(*(_service(name, url) for name, url in named.items()))
    return [finding for findings in answers for finding in findings]


async def _service(name: str, url: str) -> list[Finding]:
    try:
        async with httpx.AsyncClient(
            base_url=url, timeout=_TIMEOUT_S, trust_env=not is_loopback(url)
        ) as http:
            answer = await http.get("/health")
        health = answer.json()
        dependencies = dict(health["dependencies"])
    except httpx.HTTPError as error:
        detail = f"{url} does not answer: {error or type(error).__name__}"
        return [failed(name, detail, f"Start it; `docyard logs {name}` says why it ended.")]
    except (KeyError, TypeError, ValueError):
        detail = f"{url} answered {answer.status_code}, which is not how Docyard answers"
        return [failed(name, detail, "Is that Docyard's address? See --url and DOCYARD_URL.")]
    return [
        ok(name, f"{url} answers, version {health.get('version', 'unknown')}"),
        *(_dependency(name, what, seen) for what, seen in dependencies.items() if _is_ill(seen)),
        *_clock(name, answer.headers.get("date")),
    ]


def _is_ill(seen: Mapping[str, Any]) -> bool:
    return seen.get("status") != "ok"


def _dependency(name: str, what: str, seen: Mapping[str, Any]) -> Finding:
    advice = _ADVICE.get(what, f"`docyard logs {name}` says more.")
    detail = f"{name} does not reach its {what.replace('_', ' ')}"
    why = seen.get("detail")
    make = failed if seen.get("critical") else warning
    return make(f"{name}: {what}", f"{detail}: {why}" if why else detail, advice)


def _clock(name: str, date: str | None) -> list[Finding]:
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return []
    skew_s = (datetime.now(UTC) - told).total_seconds()
    if abs(skew_s) <= _SKEW_S:
        return []
    detail = f"this clock is {abs(skew_s):.0f} s {'before' if skew_s > 0 else 'behind'} {name}'s"
    return [warning("clock", detail, "Let both machines keep time (NTP): tokens depend on it.")]
