"""Batch and chat: ingest is killed between the steps of a file, and the client asks again.

What was accepted stays, what was not leaves nothing that anybody sees, and the same request makes
only what is missing.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import psycopg
import pytest
from minio import Minio
from tests.fault.fleet import Fleet, Ledger, token
from tests.waiting import until

from docyard_stack.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

BATCH: Final = "/api/v1/documents/upload/batch"
CHAT: Final = "/api/chat/upload/async"
FILES: Final = [(f"{n}.txt", f"the text of file {n}".encode()) for n in range(4)]
_WAITS = """
select from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock' and application_name = 'ingest'
"""


@pytest.fixture
def fleet(fleet_of: Callable[..., Fleet]) -> Fleet:
    fleet = fleet_of(SEARCH__WARM="false", SWEEP__INTERVAL_S="0.5", SWEEP__ORPHAN_AGE_S="10")
    fleet.start("ingest")
    return fleet


def post(fleet: Fleet, path: str, **form: Any) -> httpx.Response | None:
    """Return the answer; None where the connection broke."""
    headers = {"Authorization": f"Bearer {token()}", "Idempotency-Key": "again"}
    try:
        return httpx.post(
            fleet.url("ingest") + path, headers=headers, timeout=60, trust_env=False, **form
        )
    except httpx.HTTPError:
        return None


def send_batch(fleet: Fleet) -> httpx.Response | None:
    return post(fleet, BATCH, files=[("files", file) for file in FILES])


def send_chat(fleet: Fleet) -> httpx.Response | None:
    said = {"session_id": "s1", "message": "What is it about?"}
    return post(fleet, CHAT, files={"file": FILES[0]}, data=said)


@contextmanager
def documents_held(url: str) -> Iterator[None]:
    """No document can be committed meanwhile: whoever tries has stored its bytes, and waits."""
    with psycopg.connect(url) as connection:
        connection.execute("lock table ingest.documents in exclusive mode")
        yield


def killed_while_it_waits(
    fleet: Fleet, ledger: Ledger, send: Callable[[Fleet], httpx.Response | None]
) -> httpx.Response | None:
    """Send; kill ingest when it waits for the row of a document; return the answer, if any."""
    answers: list[httpx.Response | None] = []
    sending = threading.Thread(target=lambda: answers.append(send(fleet)))
    sending.start()
    until(lambda: bool(ledger.rows(_WAITS)), within_s=60)
    fleet.kill("ingest")
    sending.join()
    return answers[0]


def require_whole(servers: Servers, fleet: Fleet, ledger: Ledger) -> None:
    """Every document has its bytes, and once the sweep was there, nothing else lies there."""
    address = servers.object_store
    client = Minio(
        endpoint=address["endpoint"],
        access_key=address["access_key"],
        secret_key=address["secret_key"],
        secure=False,
        region="us-east-1",
    )
    bucket = fleet.environment["OBJECT_STORE__BUCKET"]
    rows = ledger.rows("select object_key, size_bytes from ingest.documents")
    wanted = {row["object_key"]: row["size_bytes"] for row in rows}

    def stored() -> dict[str | None, int | None]:
        found = client.list_objects(bucket_name=bucket, recursive=True)
        return {each.object_name: each.size for each in found}

    until(lambda: stored() == wanted, within_s=60, tell=stored)


def test_a_batch_killed_before_a_row_keeps_what_it_had_and_makes_the_rest(
    fleet: Fleet, ledger: Ledger, fault_servers: Servers, database_url: str
) -> None:
    """The first two files were accepted by an earlier request of the same key, cut short."""
    first = post(fleet, BATCH, files=[("files", file) for file in FILES[:2]])
    assert first is not None
    before = [item["document_id"] for item in first.json()["items"]]

    with documents_held(database_url):
        assert killed_while_it_waits(fleet, ledger, send_batch) is None
    assert len(ledger.rows("select * from ingest.documents")) == 2
    fleet.start("ingest")
    again = send_batch(fleet)

    assert again is not None
    items = again.json()["items"]
    assert [item["document_id"] for item in items[:2]] == before
    assert [item["http_status"] for item in items] == [202] * 4
    assert len(ledger.rows("select * from ingest.documents")) == 4
    require_whole(fault_servers, fleet, ledger)


def test_a_batch_killed_in_the_middle_of_its_body_keeps_what_was_accepted(
    fleet: Fleet, ledger: Ledger, fault_servers: Servers
) -> None:
    boundary = "the-boundary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        f"{data.decode()}\r\n"
        for name, data in FILES
    ]

    def body() -> Iterator[bytes]:
        yield from (part.encode() for part in parts[:2])
        # Half of the third: its beginning shows that the second has ended.
        yield parts[2][:-9].encode()
        until(lambda: len(ledger.rows("select * from ingest.documents")) == 2, within_s=60)
        fleet.kill("ingest")
        yield parts[2][-9:].encode()

    head = {
        "Authorization": f"Bearer {token()}",
        "Idempotency-Key": "again",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    with pytest.raises(httpx.HTTPError):
        httpx.post(
            fleet.url("ingest") + BATCH, content=body(), headers=head, timeout=60, trust_env=False
        )
    kept = {str(row["document_id"]) for row in ledger.rows("select * from ingest.documents")}
    fleet.start("ingest")
    again = send_batch(fleet)

    assert again is not None
    made = [item["document_id"] for item in again.json()["items"]]
    assert (set(made[:2]), len(set(made))) == (kept, 4)
    assert len(ledger.rows("select * from ingest.documents")) == 4
    require_whole(fault_servers, fleet, ledger)


def test_a_chat_upload_killed_before_its_row_leaves_neither_document_nor_question(
    fleet: Fleet, ledger: Ledger, fault_servers: Servers, database_url: str
) -> None:
    with documents_held(database_url):
        assert killed_while_it_waits(fleet, ledger, send_chat) is None
    assert ledger.rows("select * from ingest.documents") == []
    assert ledger.rows("select * from ingest.chat_jobs") == []
    fleet.start("ingest")
    again, once_more = send_chat(fleet), send_chat(fleet)

    assert again is not None
    assert once_more is not None
    assert again.json()["data"]["jobId"] == once_more.json()["data"]["jobId"]
    assert len(ledger.rows("select * from ingest.documents")) == 1
    assert len(ledger.rows("select * from ingest.chat_jobs")) == 1
    require_whole(fault_servers, fleet, ledger)


def test_a_chat_upload_killed_behind_its_row_is_the_same_when_it_comes_again(
    fleet: Fleet, ledger: Ledger, fault_servers: Servers
) -> None:
    """The answer may have been lost: document and question are there, together."""
    sending = threading.Thread(target=send_chat, args=(fleet,))
    sending.start()
    until(lambda: bool(ledger.rows("select * from ingest.documents")), within_s=60)
    fleet.kill("ingest")
    sending.join()
    [document] = ledger.rows("select * from ingest.documents")
    assert len(ledger.rows("select * from ingest.chat_jobs")) == 1
    fleet.start("ingest")
    again = send_chat(fleet)

    assert again is not None
    assert again.json()["data"]["jobId"] == str(document["document_id"])
    assert len(ledger.rows("select * from ingest.documents")) == 1
    require_whole(fault_servers, fleet, ledger)
