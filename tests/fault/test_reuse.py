"""Killed while a result is taken over: nothing is half there, whatever happens meanwhile."""

from collections.abc import Callable

import httpx
import pytest
from tests.fault.fleet import Fleet, Ledger, get, token, upload
from tests.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

TEXT = "".join(f"Line {n} of a text that is sent twice.\n" for n in range(400)).encode()


def outcomes(fleet: Fleet, document_id: str) -> dict[str, str]:
    """Return how each stage ended that was told of."""
    stages = get(fleet, f"documents/{document_id}/timeline").json()["generations"][0]["stages"]
    return {stage["stage"]: stage["runs"][-1]["outcome"] for stage in stages}


@pytest.mark.parametrize("meanwhile", ["nothing", "deleted"])
def test_a_processor_killed_while_it_copies_leaves_nothing_half(
    fleet_of: Callable[..., Fleet], ledger: Ledger, meanwhile: str
) -> None:
    """The next run copies again, or does the work when the source was deleted meanwhile."""
    fleet = fleet_of(CHILD__OCR="false")
    fleet.start("ingest")
    fleet.start("processor", "tests.fault.programs", "stuck_copy")
    first = upload(fleet, "a.txt", TEXT, key="first")
    ledger.wait_completed(1)
    second = upload(fleet, "b.txt", TEXT, key="second")
    pages = f"documents/{second}/pages"
    until(lambda: bool(get(fleet, pages).json().get("items")), within_s=60)

    fleet.kill("processor")
    if meanwhile == "deleted":
        delete(fleet, first)
    fleet.start("processor-again", "processor")

    until(lambda: state(fleet, second) == "completed", within_s=90)
    assert get(fleet, f"documents/{second}/text").text.count("Line") == 400
    done = "reused" if meanwhile == "nothing" else "done"
    told = outcomes(fleet, second)
    assert told == {"validate": done, "extract": done, "analyze": done, "index": "done"}
    assert ledger.seen_twice() == 0
    assert ledger.rows("select * from processor.work") == []


def test_what_was_copied_outlives_its_source(
    fleet_of: Callable[..., Fleet], ledger: Ledger
) -> None:
    fleet = fleet_of(CHILD__OCR="false")
    fleet.start("ingest")
    fleet.start("processor")
    first = upload(fleet, "a.txt", TEXT, key="first")
    ledger.wait_completed(1)
    second = upload(fleet, "b.txt", TEXT, key="second")
    ledger.wait_completed(2)
    before = get(fleet, f"documents/{second}/text").text

    delete(fleet, first)
    until(lambda: not ledger.rows("select from processor.results offset 1"), within_s=60)

    assert outcomes(fleet, second)["extract"] == "reused"
    assert get(fleet, f"documents/{first}/text").status_code == 404
    assert get(fleet, f"documents/{second}/text").text == before
    assert get(fleet, f"documents/{second}/original").content == TEXT


def state(fleet: Fleet, document_id: str) -> str:
    return str(get(fleet, f"documents/{document_id}").json()["state"])


def delete(fleet: Fleet, document_id: str) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    url = f"{fleet.url('ingest')}/api/v1/documents/{document_id}"
    answer = httpx.delete(url, headers=headers, timeout=30, trust_env=False)
    assert answer.is_success, answer.text
