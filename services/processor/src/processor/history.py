"""How runs went: for the timeline of a document, and for its dead letter."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from docyard_common.delivery.outcome import Failure
from docyard_common.events.documents import RunReport
from docyard_common.work.model import Lease

_MAX_ATTEMPTS: Final = 20
_MAX_MESSAGE: Final = 300
"""With these bounds the header stays below 8 KiB, however long a document was fought with."""


def report(lease: Lease, now: datetime) -> RunReport:
    """Return what the run of *lease* has used, as it ends at *now*."""
    return RunReport(
        worker=lease.worker,
        waited_s=round(lease.waited_s, 3),
        ran_s=round(max(0.0, (now - lease.started_at).total_seconds()), 3),
        mode=lease.meter.mode,
        pages=lease.meter.pages,
        peak_memory_bytes=lease.meter.peak_memory_bytes,
    )


def ladder(
    earlier: Sequence[Mapping[str, Any]], lease: Lease, failure: Failure, now: datetime
) -> str:
    """Return the attempts of a dead letter as JSON: *earlier* runs, and the last one."""
    last = {
        "attempt": lease.attempt,
        "mode": lease.meter.mode,
        "outcome": "dead",
        "reason": failure.reason,
        "message": failure.message,
        "started_at": lease.started_at,
        "ended_at": now,
        "peak_memory_bytes": lease.meter.peak_memory_bytes,
    }
    return json.dumps([_step(run) for run in [*earlier, last][-_MAX_ATTEMPTS:]])


def _step(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **run,
        "message": (run["message"] or "")[:_MAX_MESSAGE],
        "started_at": run["started_at"].isoformat(),
        "ended_at": run["ended_at"].isoformat(),
    }
