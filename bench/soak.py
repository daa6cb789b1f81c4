"""An hour at full speed: whether the memory of anything grows, and whether anything is lost.

    python -m bench.soak [--minutes 60] [--warm-up 15] [--backlog 200] [--out soak.json]

A whole stack of its own is started (`docyard up`), used over HTTP and WebSocket as clients do, and
erased. Documents of all kinds (`bench.mixture`) are uploaded as fast as they are worked on: at most
*backlog* are under way. Every five seconds the resident memory of each part is sampled, and that of
the processor's children: of all, of one on average, and of the largest. What is reported is the
slope of a line through the samples after the warm-up, in MiB an hour with its standard error, and
that of the run's last third: what fills up levels off, what leaks does not. A document is lost when
it was accepted and is not there at the end, or has not ended.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from bench.embedded import CHILDREN, stack
from bench.memory import EACH, FORK_SERVER, LARGEST, MemoryMeter
from bench.soak_load import CONNECTIONS, TERMINAL, Load

_SAMPLE_S = 5.0
_DRAIN_S = 900.0
SERVICES = ("ingest", "processor", "notifier", "dlq-admin", FORK_SERVER, CHILDREN, EACH, LARGEST)


async def _sample(meter: MemoryMeter, out: Path | None) -> None:
    while True:
        await asyncio.to_thread(meter.sample)
        await asyncio.to_thread(_keep, {"samples": meter.samples}, out)
        await asyncio.sleep(_SAMPLE_S)


def _keep(found: dict[str, Any], out: Path | None) -> None:
    """Write what there is: a run that is broken off has been for something."""
    if out is not None:
        out.write_text(json.dumps(found))


async def measure(addresses: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {addresses['token']}"}
    limits = httpx.Limits(max_connections=CONNECTIONS + 4)
    async with httpx.AsyncClient(
        base_url=addresses["ingest"], headers=headers, limits=limits, timeout=120, trust_env=False
    ) as client:
        load = Load(client, addresses, options.backlog)
        meter = MemoryMeter(addresses["data"])
        sampling = asyncio.create_task(_sample(meter, options.out))
        began = time.monotonic()
        try:
            await load.run(options.minutes * 60)
        finally:
            sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sampling
        loaded_s = time.monotonic() - began
        await load.drain(_DRAIN_S)
        return await _result(load, meter, options, loaded_s)


async def _result(
    load: Load, meter: MemoryMeter, options: argparse.Namespace, loaded_s: float
) -> dict[str, Any]:
    states = await load.states()
    ended = {one: states.get(one) for one in load.readable}
    otherwise = [
        one
        for one, readable in load.readable.items()
        if ended[one] != ("completed" if readable else "failed")
    ]
    slopes = meter.slopes(after_s=options.warm_up * 60)
    late = meter.slopes(after_s=loaded_s * 2 / 3)
    return {
        "minutes": round(loaded_s / 60, 1),
        "warm_up_minutes": options.warm_up,
        "accepted": len(load.readable),
        "refused": load.refused,
        "unanswered": load.unanswered,
        "completed": sum(state == "completed" for state in ended.values()),
        "failed_as_they_must": sum(
            ended[one] == "failed" for one, readable in load.readable.items() if not readable
        ),
        "lost": sum(state not in TERMINAL for state in ended.values()),
        "otherwise": Counter([await load.described(one) for one in otherwise]),
        "all_by_state": await load.by_state(),
        "documents_per_second": round(len(load.readable) / loaded_s, 2),
        "restarts": {name: count for name, count in meter.restarts().items() if count},
        "slopes": {name: asdict(slope) for name, slope in slopes.items()},
        "said": {name: str(slope) for name, slope in slopes.items()},
        "said_of_last_third": {name: str(slope) for name, slope in late.items()},
        "samples": meter.samples,
    }


def report(found: dict[str, Any]) -> None:
    print(
        f"{found['minutes']} minutes, {found['documents_per_second']} documents a second: "
        f"{found['accepted']} accepted, {found['completed']} completed, "
        f"{found['failed_as_they_must']} failed as they must, {found['refused']} refused, "
        f"{found['unanswered']} reads unanswered, "
        f"{found['lost']} lost"
    )
    print(f"with the files of containers: {found['all_by_state']}")
    if found["otherwise"]:
        print(f"ended otherwise than they should: {dict(found['otherwise'])}")
    if found["restarts"]:
        print(f"started again: {found['restarts']}")
    print(f"memory after {found['warm_up_minutes']} minutes, slope ± standard error:")
    said, late = found["said"], found["said_of_last_third"]
    for name in [*SERVICES, *(name for name in said if name not in SERVICES)]:
        if name in said:
            print(f"  {name:>14}: {said[name]}; last third {late.get(name, 'unknown')}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--warm-up", type=float, help="minutes; by default a quarter of all")
    parser.add_argument("--backlog", type=int, default=200)
    parser.add_argument("--out", type=Path, help="where the result goes as JSON, with all samples")
    options = parser.parse_args()
    options.warm_up = options.minutes / 4 if options.warm_up is None else options.warm_up
    with stack() as addresses:
        found = asyncio.run(measure(addresses, options))
    report(found)
    _keep(found, options.out)


if __name__ == "__main__":
    main()
