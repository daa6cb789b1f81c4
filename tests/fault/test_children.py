"""Files of archives and mails become documents, whoever is killed between one and the next.

Three archives in the suite, six in `make fault-children` (DOCYARD_FAULT_CONTAINERS).
"""

import hashlib
import os
import random
import threading
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from tests.fault.fleet import Fleet, Ledger, upload
from tests.waiting import until

from docyard_stack.samples.archives import zipped

pytestmark = [pytest.mark.fault, pytest.mark.timeout(900)]

CONTAINERS = int(os.environ.get("DOCYARD_FAULT_CONTAINERS", "3"))
FILES = 25
"""In each archive, beside an archive and a mail inside it: enough to be killed among."""
KILLS = 8
CHILDREN = """
select child.parent_id, child.sha256, child.state, parent.parent_id is null as is_first
from ingest.documents child join ingest.documents parent on parent.document_id = child.parent_id
where child.deleted_at is null
"""
TOLD = """
select document_id from ingest.document_events
where type = 'docyard.document.children_accepted.v1' group by document_id having count(*) = 1
"""


def text(container: int, number: int) -> bytes:
    return f"File {number} of container {container}.\n".encode() * 40


def mail(container: int) -> bytes:
    message = EmailMessage()
    message["Subject"] = f"Letter of container {container}"
    message.set_content("Two files are attached.")
    for number in (901, 902):
        message.add_attachment(
            text(container, number), maintype="text", subtype="plain", filename=f"{number}.txt"
        )
    return message.as_bytes()


def archive(container: int) -> bytes:
    files = {f"{number}.txt": text(container, number) for number in range(FILES)}
    inner = {f"{number}.txt": text(container, number) for number in (801, 802, 803)}
    return zipped({**files, "inner.zip": zipped(inner), "letter.eml": mail(container)})


def expected(container: int) -> list[str]:
    """Hashes of all files that come out of a container, at every depth, beside the containers."""
    numbers = [*range(FILES), 801, 802, 803, 901, 902]
    return sorted(hashlib.sha256(text(container, number)).hexdigest() for number in numbers)


@pytest.mark.parametrize("target", ["ingest", "processor", "both"])
def test_every_file_becomes_one_document_while_somebody_is_killed(
    fleet_of: Callable[..., Fleet], ledger: Ledger, target: str
) -> None:
    """Kill -9 at random moments, until all is there: none is lost, none is there twice."""
    fleet = fleet_of(CHILD__OCR="false", PROCESSOR__REUSE_RESULTS="false")
    fleet.start("ingest")
    fleet.start("processor")
    roots = [
        upload(fleet, f"{n}.zip", archive(n), key=f"k{n}", priority="high")
        for n in range(CONTAINERS)
    ]
    names = ["ingest", "processor"] if target == "both" else [target]
    dice, over = random.Random(20261126), threading.Event()
    kills: list[str] = []

    def chaos() -> None:
        while len(kills) < KILLS and not over.wait(dice.uniform(0.2, 3.0)):
            name = dice.choice(names)
            fleet.kill(name)
            kills.append(name)
            fleet.start(name)  # on a busy machine a start takes longer than the time between kills

    # Of each archive: its files, an archive with three, and a mail with two.
    each = FILES + 1 + 3 + 1 + 2
    chaotic = threading.Thread(target=chaos)
    chaotic.start()
    try:
        until(
            lambda: len(ledger.rows(CHILDREN)) >= CONTAINERS * each, within_s=400, tell=kills.copy
        )
    finally:
        over.set()
        chaotic.join()
    for name in names:
        fleet.wait_ready(name)
    ledger.wait_for({"completed": CONTAINERS * (each + 1)}, within_s=240)

    assert kills
    found = ledger.rows(CHILDREN)
    assert len(found) == CONTAINERS * each
    files = sorted(sha256 for n in range(CONTAINERS) for sha256 in expected(n))
    known = set(files)
    assert sorted(row["sha256"] for row in found if row["sha256"] in known) == files
    first = [row for row in found if row["is_first"]]
    assert {str(row["parent_id"]) for row in first} == set(roots)
    assert len(first) == CONTAINERS * (FILES + 2)
    # Archives, archives inside, and mails: once each.
    assert len(ledger.rows(TOLD)) == CONTAINERS * 3
    assert ledger.seen_twice() == 0
    assert ledger.rows("select * from processor.work") == []
