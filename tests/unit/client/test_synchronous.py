"""The synchronous client offers what the asynchronous one offers, and does the same."""

import inspect
from pathlib import Path

import pytest
from tests.unit.client.fake_docyard import FakeDocyard

from docyard import AsyncClient, Client, ConfigurationError, Endpoints, NotFoundError
from docyard.resources.dead_letters import DeadLetters
from docyard.resources.documents import Documents
from docyard.resources.folder_jobs import FolderJobs
from docyard.resources.graph import Graph
from docyard.synchronous.dead_letters import SyncDeadLetters
from docyard.synchronous.documents import SyncDocuments
from docyard.synchronous.folder_jobs import SyncFolderJobs
from docyard.synchronous.graph import SyncGraph

STREAMED = {"open"}
"""Only where there is `await`: a body handed out piece by piece; `download` serves both."""


def calls(kind: type) -> dict[str, list[str]]:
    return {
        name: [
            str(parameter.replace(annotation=parameter.empty))
            for parameter in inspect.signature(function).parameters.values()
        ]
        for name, function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and name not in STREAMED
    }


@pytest.mark.parametrize(
    ("asynchronous", "synchronous"),
    [
        (AsyncClient, Client),
        (Documents, SyncDocuments),
        (FolderJobs, SyncFolderJobs),
        (Graph, SyncGraph),
        (DeadLetters, SyncDeadLetters),
    ],
)
def test_both_clients_take_the_same(asynchronous: type, synchronous: type) -> None:
    assert calls(synchronous) == calls(asynchronous)


def test_a_document_is_uploaded_watched_and_read(
    fake: FakeDocyard, endpoints: Endpoints, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")

    with Client(endpoints) as client:
        accepted = client.upload(path)
        states = [update.state for update in client.watch([accepted.document_id], timeout_s=30)]
        document = client.documents.get(accepted.document_id)
        text = client.documents.text(accepted.document_id)
        with pytest.raises(NotFoundError):
            client.documents.get("unknown")

    assert states[-1] == document.state == "completed"
    assert text == f"the text of {accepted.document_id}"
    assert len(fake.bodies) == 1


def test_a_watch_that_is_left_early_lets_the_client_close(
    fake: FakeDocyard, endpoints: Endpoints
) -> None:
    document_id = fake.add()
    with Client(endpoints) as client:
        first = next(iter(client.watch([document_id])))

    assert first.seq == 1


def test_nowhere_to_go_is_said_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DOCYARD_URL", raising=False)
    monkeypatch.setenv("DOCYARD_DATA", str(tmp_path))

    with pytest.raises(ConfigurationError, match="docyard up"):
        Client()
