"""A document that can not be processed is found, understood, replayed and put aside."""

from pathlib import Path

import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

from docyard import AsyncClient, DeadLetter, DeadLetterFilter, NotAllowedError, ReplayOrder
from docyard_stack.samples import Sample
from docyard_stack.samples.pdfs import encrypted_pdf

pytestmark = pytest.mark.e2e

LIMIT_S = 120


@pytest.fixture
def broken(tmp_path: Path) -> Sample:
    return encrypted_pdf(tmp_path / "locked.pdf", seed=1)


async def fail(person: Person, sample: Sample) -> tuple[str, int]:
    """Upload what can not be read; return its id and the position of its failure."""
    async with person.client() as client:
        document_id = (await client.upload(sample.path)).document_id
        (document,) = await client.wait([document_id], timeout_s=LIMIT_S)
    assert document.error
    assert (document.state, document.error.code) == ("failed", sample.reason)
    return document_id, document.seq


async def entry_of(client: AsyncClient, document_id: str) -> DeadLetter:
    found: list[DeadLetter] = []

    async def arrived() -> bool:
        found[:] = (await client.dlq.list(DeadLetterFilter(document_id=document_id))).items
        return bool(found)

    await eventually(arrived, within_s=LIMIT_S)
    return found[0]


async def test_it_is_found_whole_with_its_reason(
    person: Person, operator: Person, broken: Sample
) -> None:
    document_id, _ = await fail(person, broken)

    async with operator.client() as client:
        entry = await client.dlq.get((await entry_of(client, document_id)).id)
        groups = await client.dlq.groups()

    assert (entry.state, entry.stage, entry.reason) == ("open", "validate", broken.reason)
    assert entry.owner == person.name
    extra = entry.to_json()
    assert extra["value_base64"]
    assert {header["name"] for header in extra["headers"]} > {"ce_id", "ce_type"}
    assert entry.fingerprint in {group.fingerprint for group in groups.items}


async def test_a_replay_runs_it_again_and_its_failure_opens_it_again(
    person: Person, operator: Person, broken: Sample
) -> None:
    document_id, failed_at = await fail(person, broken)

    async with operator.client() as client, person.client() as owner:
        entry = await entry_of(client, document_id)
        order = ReplayOrder(entry_ids=[entry.id])
        replay = await client.dlq.replay(order)
        again = await client.dlq.replay(order)
        watch = owner.watch([document_id], since={document_id: failed_at}, timeout_s=LIMIT_S)
        updates = [update async for update in watch]

        async def opened_again() -> bool:
            return (await client.dlq.get(entry.id)).state == "open"

        await eventually(opened_again, within_s=LIMIT_S)
        found = await client.dlq.get(entry.id)

    assert again.id == replay.id
    assert updates[-1].state == "failed"
    assert updates[-1].seq > failed_at
    assert found.replay_count == 1
    assert [lineage.result for lineage in found.replays] == ["failed_again"]
    assert len([a for a in found.attempts if a.kind == "dead_letter"]) == 2


async def test_it_is_put_aside_and_brought_back(
    person: Person, operator: Person, broken: Sample
) -> None:
    document_id, _ = await fail(person, broken)

    async with operator.client() as client:
        entry = await entry_of(client, document_id)
        discarded = await client.dlq.discard(entry.id, reason="the owner knows")
        skipped = await client.dlq.replay(ReplayOrder(entry_ids=[entry.id], dry_run=True))
        restored = await client.dlq.restore(entry.id)
        again = await client.dlq.restore(entry.id)

    assert discarded.state == "discarded"
    assert sum(skipped.skipped.values()) == 1
    assert restored.state == again.state == "open"


async def test_its_owner_sees_it_and_changes_nothing(person: Person, broken: Sample) -> None:
    document_id, _ = await fail(person, broken)

    async with person.client() as client:
        entry = await entry_of(client, document_id)
        with pytest.raises(NotAllowedError):
            await client.dlq.replay(ReplayOrder(entry_ids=[entry.id]))
        with pytest.raises(NotAllowedError):
            await client.dlq.discard(entry.id, reason="mine")

    assert entry.document_id == document_id


async def test_erasing_the_document_erases_it(
    person: Person, operator: Person, broken: Sample
) -> None:
    document_id, _ = await fail(person, broken)

    async with operator.client() as client, person.client() as owner:
        await entry_of(client, document_id)
        await owner.documents.delete(document_id)

        async def gone() -> bool:
            found = await client.dlq.list(DeadLetterFilter(document_id=document_id))
            return not found.items

        await eventually(gone, within_s=LIMIT_S)
