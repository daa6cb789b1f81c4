"""Health: is the process worth keeping (live), should it get traffic (ready), and what is wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import psutil

Check = Callable[[], Awaitable[None]]
"""Returns when the part works, raises when it does not."""

_FRESH_S: Final = 1.0


@dataclass(frozen=True)
class ComponentHealth:
    """What one check found."""

    name: str
    critical: bool
    ok: bool
    duration_ms: float
    detail: str = ""


class Health:
    """The parts of a service and how they are. Answers are at most a second old.

    A critical part that fails takes the service out of rotation (not ready); it never ends the
    process: a restart does not cure a database.
    """

    def __init__(
        self, service: str, *, version: str = "0.1.0", check_timeout_s: float = 3.0
    ) -> None:
        self.service = service
        self.version = version
        self._timeout_s = check_timeout_s
        self._checks: dict[str, tuple[Check, bool]] = {}
        self._alive: dict[str, Callable[[], bool]] = {}
        self._draining = False
        self._starting = False
        self._started = time.monotonic()
        self._found: tuple[float, list[ComponentHealth]] = (float("-inf"), [])
        self._lock = asyncio.Lock()

    def add(self, name: str, check: Check, *, critical: bool = True) -> None:
        """Ask *check* whether the dependency *name* works; it is given *check_timeout_s*."""
        self._checks[name] = (check, critical)

    def watch(self, name: str, is_alive: Callable[[], bool]) -> None:
        """Count *name* as a part whose death only a restart cures."""
        self._alive[name] = is_alive

    def hold(self) -> None:
        """Be not ready until `release`: checks are added while a service starts."""
        self._starting = True

    def release(self) -> None:
        """Let the checks decide from here on: the start is complete."""
        self._starting = False

    def drain(self) -> None:
        """Be not ready from here on: the process is about to end."""
        self._draining = True

    def live(self) -> bool:
        return all(is_alive() for is_alive in self._alive.values())

    async def ready(self) -> bool:
        """Whether traffic may come: started, alive, not draining, every critical part works."""
        if self._starting or self._draining or not self.live():
            return False
        return all(part.ok for part in await self._components() if part.critical)

    async def report(self) -> dict[str, Any]:
        """Return all that is known, as JSON for people and dashboards."""
        parts = await self._components()
        alive = {name: is_alive() for name, is_alive in self._alive.items()}
        return {
            "status": self._status(parts),
            "service": self.service,
            "version": self.version,
            "uptime_s": round(time.monotonic() - self._started, 1),
            "components": {name: {"status": _word(ok=ok)} for name, ok in alive.items()},
            "dependencies": {part.name: _shown(part) for part in parts},
            "resources": _resources(),
        }

    def _status(self, parts: list[ComponentHealth]) -> Literal["ok", "degraded", "down"]:
        if not self.live() or any(part.critical and not part.ok for part in parts):
            return "down"
        if self._starting or self._draining or not all(part.ok for part in parts):
            return "degraded"
        return "ok"

    async def _components(self) -> list[ComponentHealth]:
        async with self._lock:
            checked_at, parts = self._found
            if time.monotonic() - checked_at >= _FRESH_S:
                parts = await asyncio.gather(*(self._ask(name) for name in self._checks))
                self._found = (time.monotonic(), parts)
            return parts

    async def _ask(self, name: str) -> ComponentHealth:
        check, critical = self._checks[name]
        started = time.monotonic()
        detail = ""
        try:
            async with asyncio.timeout(self._timeout_s):
                await check()
        except TimeoutError:
            detail = f"no answer within {self._timeout_s:g} s"
        except Exception as error:  # noqa: BLE001 - any error of a check is its finding
            detail = type(error).__name__
        duration_ms = round((time.monotonic() - started) * 1000, 1)
        return ComponentHealth(name, critical, not detail, duration_ms, detail)


def _shown(part: ComponentHealth) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "status": _word(ok=part.ok),
        "critical": part.critical,
        "duration_ms": part.duration_ms,
    }
    return shown | ({"detail": part.detail} if part.detail else {})


def _word(*, ok: bool) -> str:
    return "ok" if ok else "down"


def _resources() -> dict[str, Any]:
    process = psutil.Process()
    return {
        "memory_bytes": process.memory_info().rss,
        "cpu_s": round(sum(process.cpu_times()[:2]), 2),
        "threads": process.num_threads(),
        "load_1m": round(psutil.getloadavg()[0], 2),
        "cpus": psutil.cpu_count(),
    }
