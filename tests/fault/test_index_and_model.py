"""Killed while a document is indexed, or while a language model is asked about it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fault.fleet import Fleet, Ledger, get, upload
from tests.language_model import completion, talking
from tests.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

TEXT = b"Minutes\n\nDr. Ada Lovelace met Prof. Charles Babbage in London on 1 May 1840.\n" * 30
COUNTS = """
select
    (select count(*) from search.documents) as documents,
    (select count(*) from search.chunks) as chunks,
    (select count(*) from search.named_entities) as entities,
    (select count(*) from search.relations) as relations
"""


@pytest.mark.parametrize(("change", "is_found"), [("stuck_in_index", 0), ("stuck_after_index", 1)])
def test_a_processor_killed_at_the_index_is_followed_by_one_that_indexes_once(
    fleet_of: Callable[..., Fleet], ledger: Ledger, tmp_path: Path, change: str, is_found: int
) -> None:
    """Before the commit nothing is found; after it the next run replaces what is there."""
    stuck = tmp_path / "stuck"
    fleet = fleet_of(CHILD__OCR="false", STUCK_FILE=str(stuck))
    fleet.start("ingest")
    fleet.start("processor", "tests.fault.programs", change)
    document_id = upload(fleet, "a.txt", TEXT, key="a")
    until(stuck.exists, within_s=60)
    before = ledger.rows(COUNTS)[0]
    assert before["documents"] == is_found

    fleet.kill("processor")
    fleet.start("processor-again", "processor")
    ledger.wait_for({"completed": 1}, within_s=90)

    after = ledger.rows(COUNTS)[0]
    assert after["documents"] == 1
    assert min(after.values()) > 0
    assert not is_found or before == after
    (held,) = ledger.rows("select document_id::text as id, generation from search.documents")
    assert (held["id"], held["generation"]) == (document_id, 1)
    assert ledger.seen_twice() == 0
    ledger.wait_empty("processor.work")


def test_a_processor_killed_while_a_model_thinks_asks_once_more_within_its_budget(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    """What was asked counts, and a third time is not paid for: the plain methods do then."""
    said = {"summary": "Two people met in London.", "keywords": ["london"], "type": "minutes"}
    with talking() as model:
        model.body = completion(json.dumps(said), tokens=100)
        model.release.clear()
        fleet = fleet_of(
            CHILD__OCR="false",
            MODEL__BASE_URL=model.base_url,
            MODEL__MODEL="any",
            MODEL__TIMEOUT_S="25",
        )
        fleet.start("ingest")
        fleet.start("processor")
        asked = upload(fleet, "a.txt", TEXT, key="a")
        until(lambda: len(model.requests) == 1, within_s=60)

        fleet.kill("processor")
        fleet.start("processor")
        until(lambda: len(model.requests) == 2, within_s=90)
        model.release.set()
        ledger.wait_for({"completed": 1}, within_s=90)
        (spent,) = ledger.rows("select requests from processor.model_documents")

    assert spent["requests"] == 2
    metadata = get(fleet, f"documents/{asked}/metadata").json()
    assert "Two people met in London." in json.dumps(metadata)
    assert ledger.seen_twice() == 0
    ledger.wait_empty("processor.work")
