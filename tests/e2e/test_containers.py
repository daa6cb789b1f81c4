"""Archives and mails through the front door: what is inside is processed, found, and goes along."""

from pathlib import Path

import pytest
from tests.e2e.conftest import Person
from tests.waiting import eventually

from docyard import AsyncClient, NotFoundError
from docyard.resources.documents import DocumentFilter
from docyard_stack.samples import prose
from docyard_stack.samples.archives import zipped
from docyard_stack.samples.letters import mail

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


async def below(client: AsyncClient, document_id: str) -> list[str]:
    """Return the ids of all that was found below a document, at every depth."""
    listed = await client.documents.list(DocumentFilter(parent_id=document_id), limit=200)
    ids = [item.document_id for item in listed.items]
    return ids + [inner for one in ids for inner in await below(client, one)]


async def test_what_is_inside_is_processed_searched_and_deleted_with_its_container(
    person: Person, tmp_path: Path
) -> None:
    word = prose.mark(4_711, 1)
    letter = mail(tmp_path / "letter.eml", seed=4_712).path.read_bytes()
    inner = zipped({"deep.txt": f"The crate is called {word}.".encode(), "letter.eml": letter})
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped({"inner.zip": inner, "note.md": b"# Note", "tool.exe": b"MZ"}))

    async with person.client() as client:
        root = (await client.upload(path)).document_id
        await client.wait([root], timeout_s=120)

        async def all_there() -> bool:
            return len(await below(client, root)) == 5

        await eventually(all_there)
        ended = await client.wait(await below(client, root), timeout_s=120)
        assert {document.state for document in ended} == {"completed"}
        assert {document.filename for document in ended} == {
            "inner.zip", "note.md", "deep.txt", "letter.eml", "crates.csv",
        }  # fmt: skip
        assert "tool.exe (left out: unsupported type)" in await client.documents.text(root)
        [hit] = (await client.search(word, mode="text")).items
        assert hit.filename == "deep.txt"

        await client.documents.delete(root)

        for document in ended:
            with pytest.raises(NotFoundError):
                await client.documents.get(document.document_id)

        async def unfindable() -> bool:
            return not (await client.search(word, mode="text")).items

        await eventually(unfindable)
