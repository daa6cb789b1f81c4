"""A person sends the same again: the result is there at once, and it is the person's own."""

from pathlib import Path

import httpx
import pytest
from tests.e2e.conftest import Admit, Person
from tests.waiting import eventually

from docyard import Upload
from docyard_stack.samples import prose
from docyard_stack.samples.archives import zipped

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ALL = ("validate", "extract", "analyze", "index")


async def processed(person: Person, data: bytes, name: str, *, reuse: bool | None = None) -> str:
    options = {} if reuse is None else {"reuse": reuse}
    async with person.client() as client:
        upload = Upload(data, filename=name, processing_options=options)
        accepted = await client.upload(upload)
        (document,) = await client.wait([accepted.document_id], timeout_s=120)
    assert document.state == "completed"
    return accepted.document_id


async def outcomes(http: httpx.AsyncClient, document_id: str) -> list[str]:
    answer = (await http.get(f"/api/v1/documents/{document_id}/timeline")).json()
    stages = {stage["stage"]: stage["runs"] for stage in answer["generations"][0]["stages"]}
    return [stages[stage][-1]["outcome"] for stage in ALL]


async def test_the_same_document_is_not_read_again_and_stands_for_itself(
    person: Person, admit: Admit
) -> None:
    word = prose.mark(5_911, 1)
    data = f"# Report\n\nThe report about {word} is written in English.\n".encode()
    first = await processed(person, data, "report.md")
    second = await processed(person, data, "copy.md")
    insisted = await processed(person, data, "again.md", reuse=False)
    stranger = admit()
    foreign = await processed(stranger, data, "report.md")

    async with person.http() as http, stranger.http() as other:
        assert await outcomes(http, first) == ["done"] * 4
        assert await outcomes(http, second) == ["reused", "reused", "reused", "done"]
        assert await outcomes(http, insisted) == ["done"] * 4
        assert await outcomes(other, foreign) == ["done"] * 4
        await http.delete(f"/api/v1/documents/{first}")

        async def found_under_its_own_name() -> bool:
            answer = await http.get("/api/v1/search", params={"q": word, "mode": "text"})
            return {hit["filename"] for hit in answer.json()["items"]} == {"copy.md", "again.md"}

        await eventually(found_under_its_own_name)
        text = await http.get(f"/api/v1/documents/{second}/text")
        metadata = (await http.get(f"/api/v1/documents/{second}/metadata")).json()
    assert word in text.text
    assert metadata["language"] == "en"


async def test_an_archive_sent_twice_has_children_of_its_own_that_are_not_read_again(
    person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(zipped({"a.md": b"# One\n\nfirst", "b.md": b"# Two\n\nsecond"}))

    async def children(http: httpx.AsyncClient, root: str) -> list[str]:
        async def both_completed() -> bool:
            items = (await http.get(f"/api/v1/documents/{root}/children")).json()["items"]
            return [item["state"] for item in items] == ["completed", "completed"]

        await eventually(both_completed)
        items = (await http.get(f"/api/v1/documents/{root}/children")).json()["items"]
        return [item["document_id"] for item in items]

    async with person.http() as http:
        first = await children(http, await processed(person, path.read_bytes(), "bundle.zip"))
        root = await processed(person, path.read_bytes(), "bundle.zip")
        second = await children(http, root)

        assert not set(first) & set(second)
        assert await outcomes(http, root) == ["done"] * 4
        for child in second:
            assert await outcomes(http, child) == ["reused", "reused", "reused", "done"]
