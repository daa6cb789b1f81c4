"""Dead letters: finding, replaying, discarding and restoring them. Most calls need an operator."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from docyard.lines import lines
from docyard.models import DeadLetter, DeadLetterGroup, Listing, Replay
from docyard.transport import Request, Transport

_BASE = "/api/v1/dlq"


@dataclass(frozen=True)
class DeadLetterFilter:
    """Which dead letters; all conditions must hold. Times are RFC 3339."""

    states: Sequence[str] = ()
    stage: str | None = None
    reason: str | None = None
    fingerprint: str | None = None
    document_id: str | None = None
    owner: str | None = None
    since: str | None = None
    until: str | None = None
    text: str | None = None  # part of the error message

    def conditions(self) -> dict[str, Any]:
        """Return what was given; nothing means every dead letter."""
        given = vars(self) | {"state": list(self.states)}
        del given["states"]
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class ReplayOrder:
    """What to replay: one of ids, group and filter. Sent again, it starts no second replay."""

    entry_ids: Sequence[str] = ()
    group: str | None = None  # a fingerprint
    only: DeadLetterFilter | None = None
    dry_run: bool = False
    rate_per_s: float | None = None
    max: int | None = None
    reason: str | None = None  # must say why, unless it is one entry
    idempotency_key: str = field(default_factory=lambda: str(uuid4()))

    def body(self) -> dict[str, Any]:
        """Return the order as the API wants it."""
        rest = {
            "entry_ids": list(self.entry_ids) or None,
            "group": self.group,
            "filter": self.only and self.only.conditions(),
            "rate_per_s": self.rate_per_s,
            "max": self.max,
            "reason": self.reason,
        }
        given = {name: value for name, value in rest.items() if value is not None}
        return given | {"dry_run": self.dry_run}


class DeadLetters:
    """`client.dlq`. Raises NotAllowedError without the role `operator`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def groups(
        self, *, limit: int = 50, cursor: str | None = None
    ) -> Listing[DeadLetterGroup]:
        """Return what is unresolved grouped by what it died of, newest first."""
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", f"{_BASE}/groups", params=params)
        return await self._transport.fetch(request, Listing[DeadLetterGroup])

    async def list(
        self,
        only: DeadLetterFilter | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Listing[DeadLetter]:
        """Return dead letters, newest first."""
        params = (only or DeadLetterFilter()).conditions() | {"limit": limit, "cursor": cursor}
        request = Request("GET", f"{_BASE}/entries", params=params)
        return await self._transport.fetch(request, Listing[DeadLetter])

    async def get(self, entry_id: str) -> DeadLetter:
        """Return one dead letter whole: headers, value, attempts, replays."""
        return await self._transport.fetch(Request("GET", _entry(entry_id)), DeadLetter)

    async def replay(self, order: ReplayOrder) -> Replay:
        """Start a replay (or only count, by `dry_run`); follow it by `get_replay`."""
        request = Request(
            "POST",
            f"{_BASE}/replays",
            json=order.body(),
            headers={"Idempotency-Key": order.idempotency_key},
        )
        return await self._transport.fetch(request, Replay)

    async def replays(self, *, limit: int = 50, cursor: str | None = None) -> Listing[Replay]:
        params = {"limit": limit, "cursor": cursor}
        request = Request("GET", f"{_BASE}/replays", params=params)
        return await self._transport.fetch(request, Listing[Replay])

    async def get_replay(self, replay_id: str) -> Replay:
        return await self._transport.fetch(Request("GET", _replay(replay_id)), Replay)

    async def cancel_replay(self, replay_id: str) -> Replay:
        """Stop a replay; what has moved stays moved."""
        return await self._transport.fetch(Request("POST", f"{_replay(replay_id)}/cancel"), Replay)

    async def discard(self, entry_id: str, *, reason: str) -> DeadLetter:
        """Put a dead letter aside; `restore` brings it back."""
        request = Request("POST", f"{_entry(entry_id)}/discard", json={"reason": reason})
        return await self._transport.fetch(request, DeadLetter)

    async def restore(self, entry_id: str) -> DeadLetter:
        return await self._transport.fetch(
            Request("POST", f"{_entry(entry_id)}/restore"), DeadLetter
        )

    async def export(self, only: DeadLetterFilter | None = None) -> AsyncGenerator[str, None]:
        """Yield dead letters as lines of JSON, each whole, for files and other tools."""
        params = (only or DeadLetterFilter()).conditions()
        async with self._transport.stream(Request("GET", f"{_BASE}/export", params=params)) as body:
            async for line in lines(body.aiter_bytes()):
                if line:
                    yield line


def _entry(entry_id: str) -> str:
    return f"{_BASE}/entries/{quote(entry_id, safe='')}"


def _replay(replay_id: str) -> str:
    return f"{_BASE}/replays/{quote(replay_id, safe='')}"
