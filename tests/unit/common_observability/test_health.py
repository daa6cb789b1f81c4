"""Live, ready, and what is told about the parts."""

import asyncio

from docyard_common.observability.health import Health


async def fine() -> None:
    """Work."""


async def broken() -> None:
    raise ConnectionRefusedError("postgresql://secret@host")


async def test_a_service_whose_parts_work_is_ready() -> None:
    health = Health("ingest")
    health.add("database", fine)

    assert health.live()
    assert await health.ready()
    report = await health.report()
    assert report["status"] == "ok"
    assert report["dependencies"]["database"]["status"] == "ok"
    assert report["resources"]["memory_bytes"] > 0


async def test_a_critical_part_that_fails_takes_it_out_of_rotation_but_not_out_of_life() -> None:
    health = Health("ingest")
    health.add("database", broken)

    assert health.live()
    assert not await health.ready()
    assert (await health.report())["status"] == "down"


async def test_an_optional_part_that_fails_only_degrades() -> None:
    health = Health("ingest")
    health.add("kafka", broken, critical=False)

    assert await health.ready()
    assert (await health.report())["status"] == "degraded"


async def test_a_dead_part_that_only_a_restart_cures_ends_liveness() -> None:
    health = Health("ingest")
    health.watch("consumer", lambda: False)

    assert not health.live()
    assert not await health.ready()
    assert (await health.report())["components"]["consumer"]["status"] == "down"


async def test_a_service_is_ready_once_its_start_is_complete() -> None:
    health = Health("test")
    health.hold()

    assert not await health.ready()
    assert (await health.report())["status"] == "degraded"
    health.release()
    assert await health.ready()


async def test_a_draining_service_is_alive_and_not_ready() -> None:
    health = Health("ingest")
    health.drain()

    assert health.live()
    assert not await health.ready()


async def test_the_report_holds_no_addresses() -> None:
    health = Health("ingest")
    health.add("database", broken)

    assert "secret" not in str(await health.report())


async def test_many_askers_cost_one_check() -> None:
    asked = 0

    async def counted() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)

    health = Health("ingest")
    health.add("database", counted)
    await asyncio.gather(*(health.ready() for _ in range(50)))

    assert asked == 1


async def test_a_check_that_hangs_is_a_finding() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    health = Health("ingest", check_timeout_s=0.01)
    health.add("database", hang)

    assert "no answer" in (await health.report())["dependencies"]["database"]["detail"]
