"""The WebSocket: what is told, and that nothing falls between."""

from typing import Any
from uuid import UUID

import pytest
from tests.integration.notifier.life import Life
from tests.integration.notifier.running import (
    Client,
    Notifier,
    Publisher,
    client,
    first_event,
)
from tests.waiting import eventually

from docyard_common.events import topics
from docyard_common.events.stages import Stage
from docyard_common.events.work import CancelRequested
from docyard_common.ids import uuid7
from docyard_common.settings import KafkaSettings

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_a_document_is_followed_from_accepted_to_completed(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with client(notifier, owner) as ann:
        subscribed = await ann.ask("subscribe", job_ids=[str(life.document_id)], id=7)
        await publisher.publish(life.accepted(), *life.stage(Stage.VALIDATE))
        await publisher.publish(life.started(Stage.EXTRACT), life.ticked(Stage.EXTRACT, 50))
        await publisher.publish(life.completed())
        heard = await ann.until("completed")

    assert subscribed == {"type": "subscribed", "id": 7, "recovered": True, "snapshot": []}
    seqs = [message["seq"] for message in heard]
    assert seqs == sorted(set(seqs))
    assert heard[0]["data"]["state"] == "accepted"
    assert heard[-1] == {
        "type": "job_progress",
        "job_id": str(life.document_id),
        "seq": seqs[-1],
        "data": {
            "state": "completed",
            "stage": None,
            "stage_index": 4,
            "stage_count": 4,
            "progress": 100.0,
            "pages_done": 100,
            "pages_total": 100,
            "message": "",
            "eta_s": None,
            "attempt": 1,
            "error": None,
        },
    }


async def test_a_document_that_was_long_on_its_way_is_waited_for(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    """It has its id from the beginning of its upload; the acceptance may come after its 202."""
    life = Life(owner, document_id=UUID(int=uuid7().int - (6 * 3_600_000 << 80)))
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.publish(life.accepted())
        heard = await ann.hear()

    assert (heard["type"], heard["data"]["state"]) == ("job_progress", "accepted")


async def test_a_late_subscriber_is_told_the_newest_state_and_what_follows(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted(), life.started(Stage.VALIDATE))
    async with client(notifier, owner) as ann:
        await _until_state(ann, life.document_id, "validating")
        answer = await ann.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.publish(life.finished(Stage.VALIDATE))
        following = await ann.hear()

    assert answer["snapshot"][-1]["data"]["state"] == "validating"
    assert following["data"]["progress"] == 25.0


async def test_since_brings_back_every_state_change_that_was_missed(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.publish(life.accepted())
        held = (await ann.hear())["seq"]
    await publisher.publish(*life.stage(Stage.VALIDATE), *life.stage(Stage.EXTRACT))
    await publisher.publish(life.failed(Stage.ANALYZE))
    async with client(notifier, owner) as ann:
        job = str(life.document_id)
        await _until_state(ann, life.document_id, "failed")
        answer = await ann.ask("subscribe", job_ids=[job], since={job: held})

    assert answer["recovered"] is True
    states = [(entry["data"]["state"], entry["data"]["progress"]) for entry in answer["snapshot"]]
    assert states == [
        ("validating", 0.0),
        ("validating", 25.0),
        ("extracting", 25.0),
        ("extracting", 50.0),
        ("failed", 50.0),
    ]


async def test_unknown_and_foreign_documents_are_answered_alike(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    old = UUID("01890a5d-ac96-774b-bcce-b302099a8057")  # of 2023: nothing is on its way
    theirs = Life(f"not-{owner}", document_id=UUID("01890a5d-ac96-774b-bcce-b302099a8058"))
    await publisher.publish(theirs.accepted())
    async with client(notifier, theirs.owner) as bob:
        await _until_known(bob, theirs.document_id)
    async with client(notifier, owner) as ann:
        for kind in ("get_job_status", "cancel_job"):
            for document_id in (old, theirs.document_id):
                answer = await ann.ask(kind, job_id=str(document_id))
                assert (answer["type"], answer["code"]) == ("error", "NOT_FOUND")
        jobs = sorted(map(str, (old, theirs.document_id)))
        assert (await ann.ask("subscribe", job_ids=jobs))["snapshot"] == []
        refused = [await ann.hear(), await ann.hear()]

    assert sorted(answer["job_id"] for answer in refused) == jobs
    assert {answer["code"] for answer in refused} == {"NOT_FOUND"}


async def test_nobody_is_told_of_somebody_elses_documents(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    theirs, own = Life(f"not-{owner}"), Life(owner)
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", job_ids=[str(theirs.document_id)], channels=["user"])
        await publisher.publish(theirs.accepted(), theirs.completed())
        async with client(notifier, theirs.owner) as bob:
            await _until_state(bob, theirs.document_id, "completed")
        await publisher.publish(own.accepted())

        told = await _first_found(ann)

    assert (told["type"], told["job_id"]) == ("job_progress", str(own.document_id))


async def test_the_user_channel_tells_of_documents_that_did_not_exist_yet(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", channels=["user"])
        await publisher.publish(life.accepted(), life.completed())
        heard = await ann.until("completed")

    assert {message["job_id"] for message in heard} == {str(life.document_id)}


async def test_a_deleted_document_is_told_and_leaves_nothing(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.publish(life.accepted(), life.completed(), life.deleted())
        heard = await ann.until("deleted")
        # Ticks of the run that was under way must not bring it back.
        await publisher.publish(life.ticked(Stage.EXTRACT, 3))
        status = await ann.ask("get_job_status", job_id=str(life.document_id))

    assert heard[-1]["seq"] > heard[-2]["seq"]
    assert status["data"]["state"] == "deleted"


async def test_a_record_that_cannot_be_decoded_delays_nobody(
    notifier: Notifier, publisher: Publisher, owner: str
) -> None:
    life = Life(owner)
    async with client(notifier, owner) as ann:
        await ann.ask("subscribe", job_ids=[str(life.document_id)])
        await publisher.garbage()
        await publisher.publish(life.accepted())
        await publisher.garbage()
        await publisher.publish(life.completed())

        assert (await ann.until("completed"))[0]["data"]["state"] == "accepted"


async def test_a_cancel_goes_out_as_a_command_and_a_finished_document_refuses_it(
    notifier: Notifier, publisher: Publisher, owner: str, kafka: KafkaSettings
) -> None:
    life, done = Life(owner), Life(owner)
    await publisher.publish(life.accepted(), done.accepted(), done.completed())
    async with client(notifier, owner) as ann:
        await _until_known(ann, life.document_id)
        await _until_state(ann, done.document_id, "completed")
        answer = await ann.ask("cancel_job", job_id=str(life.document_id), id="c")
        refusal = await ann.ask("cancel_job", job_id=str(done.document_id))

    assert (answer["type"], answer["id"]) == ("job_status_response", "c")
    assert refusal["code"] == "ALREADY_TERMINAL"
    command = await first_event(kafka, topics.COMMANDS, key=str(life.document_id))
    assert isinstance(command, CancelRequested)
    assert (command.document_id, command.requested_by) == (life.document_id, owner)


async def test_a_cancelled_document_is_cancelled_again_for_what_is_inside_it(
    notifier: Notifier, publisher: Publisher, owner: str, kafka: KafkaSettings
) -> None:
    life = Life(owner)
    await publisher.publish(life.accepted(), life.cancelled())
    async with client(notifier, owner) as ann:
        await _until_state(ann, life.document_id, "cancelled")
        answer = await ann.ask("cancel_job", job_id=str(life.document_id))

    assert answer["data"]["state"] == "cancelled"
    command = await first_event(kafka, topics.COMMANDS, key=str(life.document_id))
    assert isinstance(command, CancelRequested)


async def _first_found(one: Client) -> dict[str, Any]:
    """Skip that a document is not found: that is said when the others took long."""
    message = await one.hear()
    while (message["type"], message.get("code")) == ("error", "NOT_FOUND"):
        message = await one.hear()
    return message


async def _until_known(one: Client, document_id: UUID) -> None:
    await _until_state(one, document_id, None)


async def _until_state(one: Client, document_id: UUID, state: str | None) -> None:
    """Ask until the document is there, and in *state* if one is named."""

    async def is_there() -> bool:
        answer = await one.ask("get_job_status", job_id=str(document_id))
        return "data" in answer and state in {None, answer["data"]["state"]}

    await eventually(is_there)
