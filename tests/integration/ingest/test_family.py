"""What is done to a container is done to hundreds at once, while others work on them."""

from uuid import UUID

import pytest
from tests.integration.ingest.serving import RunningIngest
from tests.meeting import meet

from docyard_common.clock import SystemClock
from docyard_common.database import Database
from docyard_common.ids import child_id
from docyard_common.outbox import Outbox
from ingest.documents.family import Family

pytestmark = pytest.mark.integration
CHILDREN = 12
COPY = """
insert into documents
select (jsonb_populate_record(d, jsonb_build_object('document_id', child::text, 'parent_id',
    d.document_id::text))).*
from documents d, unnest('{children}'::uuid[]) child returning 1
"""


@pytest.mark.parametrize("what", ["cancel", "delete"])
async def test_the_locks_of_a_family_are_taken_in_the_order_of_all(
    what: str, ingest: RunningIngest, database: Database
) -> None:
    """Whoever ends the work of the same documents meanwhile waits, and for no ring."""
    parent = UUID((await ingest.upload()).json()["document_id"])
    children = [child_id(parent, position) for position in range(CHILDREN)]
    await ingest.rows(COPY.format(children="{" + ",".join(map(str, children)) + "}"))
    family = Family(database=database, outbox=Outbox(source="test"), clock=SystemClock())

    if what == "cancel":
        await meet(database, children, lambda: family.cancel(parent, requested_by="ann"))
    else:
        await meet(database, children, lambda: family.delete(parent))

    told = [event for topic, event in await ingest.outbox() if topic != "documents.accepted"]
    assert set(children) <= {getattr(event, "document_id", None) for event in told}
