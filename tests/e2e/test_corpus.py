"""Real documents through the front door: each reaches the state that its manifest names.

Every seventh of them in the suite; all of them with DOCYARD_CORPUS_ALL=1, as `make corpus` does.
"""

import asyncio
import os
from typing import Any

import pytest
from tests.corpus.manifest import CORPUS, accepted, entries, normalized
from tests.e2e.conftest import Person

from docyard import ApiError, AsyncClient

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.corpus,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not entries(), reason=f"no corpus in {CORPUS}"),
]
STEP = 1 if os.environ.get("DOCYARD_CORPUS_ALL") else 7
AT_ONCE = 4


async def test_real_documents_end_as_their_manifest_says(person: Person) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    async with person.client() as client:

        async def judged(entry: dict[str, Any]) -> str | None:
            async with gate:
                return await judge(client, entry)

        verdicts = await asyncio.gather(*(judged(entry) for entry in entries()[::STEP]))

    assert [verdict for verdict in verdicts if verdict] == []


async def judge(client: AsyncClient, entry: dict[str, Any]) -> str | None:
    """Return what is wrong with the end of a document; None where all is well."""
    outcome, text = await outcome_of(client, entry)
    if outcome not in accepted(entry):
        return f"{entry['path']}: {outcome}, not one of {accepted(entry)}"
    found = normalized(text)
    missing = [word for word in entry["must_contain"] if normalized(word) not in found]
    if outcome == "completed" and missing:
        return f"{entry['path']}: without {missing}"
    return None


async def outcome_of(client: AsyncClient, entry: dict[str, Any]) -> tuple[str, str]:
    """Return the outcome in the manifest's words, and the text where there is some."""
    try:
        accepted = await client.upload(CORPUS / entry["path"])
    except ApiError as error:
        return f"failed:{error.code.lower()}", ""
    document_id = accepted.document_id
    await client.wait([document_id], timeout_s=300)
    document = await client.documents.get(document_id)
    if document.error is not None:
        return f"{document.state}:{document.error.code}", ""
    return str(document.state), await client.documents.text(document_id)
