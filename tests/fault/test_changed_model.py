"""The embedding model changes: what is indexed is embedded again, whoever is killed meanwhile."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.fault.fleet import Fleet, Ledger, get, upload
from tests.models import turned_model
from tests.waiting import until

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

PARAGRAPH = "The tenant pays the rent of unit {n} every month, and the landlord repairs the roof. "
LEASES = "".join(PARAGRAPH.format(n=n) * 12 + "\n\n" for n in range(1_200)).encode()
"""Of some 1,400 chunks: three batches."""
CAKE = b"A recipe for apple cake with cinnamon."


def found(fleet: Fleet, query: str, mode: str) -> list[str]:
    """Return the documents that answer."""
    answer = get(fleet, "search", q=query, mode=mode)
    assert answer.status_code == httpx.codes.OK, answer.text
    return [item["document_id"] for item in answer.json()["items"]]


def models(ledger: Ledger) -> dict[str, int]:
    """Return how many chunks each model has embedded."""
    query = "select embedding_model as model, count(*) as n from search.chunks group by 1"
    return {row["model"]: row["n"] for row in ledger.rows(query)}


def test_another_model_takes_over_while_words_go_on_finding(
    fleet_of: Callable[..., Fleet], ledger: Ledger, tmp_path: Path
) -> None:
    """Kill -9 in the middle: the next process goes on where chunks are of the former model."""
    stuck = tmp_path / "stuck"
    fleet = fleet_of(CHILD__OCR="false", STUCK_FILE=str(stuck))
    fleet.start("ingest")
    fleet.start("processor")
    leases = upload(fleet, "leases.txt", LEASES, key="leases")
    cake = upload(fleet, "cake.txt", CAKE, key="cake")
    ledger.wait_for({"completed": 2}, within_s=120)
    (former,) = models(ledger)
    assert found(fleet, "sweet baking with fruit", "semantic")[:1] == [cake]

    for name in ("ingest", "processor"):
        fleet.kill(name)
    fleet.environment["EMBEDDINGS__FOLDER"] = str(turned_model(tmp_path / "model"))
    fleet.start("ingest")
    assert found(fleet, "sweet baking with fruit", "semantic") == []
    fleet.start("processor-stuck", "tests.fault.programs", "stuck_in_reembedding")
    until(stuck.exists, within_s=60)
    fleet.kill("processor-stuck")

    half = models(ledger)
    assert len(half) > 1
    assert half[former] > 0
    assert found(fleet, "landlord repairs roof", "text") == [leases]
    assert found(fleet, "apple cinnamon", "hybrid") == [cake]

    fleet.start("processor")
    until(lambda: former not in models(ledger), within_s=120, tell=lambda: models(ledger))
    assert sum(models(ledger).values()) == sum(half.values())
    assert found(fleet, "sweet baking with fruit", "semantic")[:1] == [cake]
    assert found(fleet, "housing costs that renters owe", "semantic")[:1] == [leases]
    until(lambda: not outdated(ledger, former), within_s=60)
    assert ledger.seen_twice() == 0


def outdated(ledger: Ledger, former: str) -> bool:
    return bool(ledger.rows("select from search.documents where embedding_model = %s", former))
