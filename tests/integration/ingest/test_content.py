"""What the stages have left is readable, also before they have ended."""

from uuid import UUID

import pytest
from tests.integration.ingest.generations import put_stage
from tests.integration.ingest.serving import RunningIngest

from docyard_common import artifacts
from docyard_common.analysis import (
    Analysis,
    Classification,
    DocumentType,
    Entity,
    EntityName,
    Evidence,
    Keyword,
    Mention,
    Relation,
)
from docyard_common.artifacts import (
    ExtractManifest,
    Page,
    PageBatch,
    PageError,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def document_id(ingest: RunningIngest) -> UUID:
    return UUID((await ingest.upload()).json()["document_id"])


async def put_pages(ingest: RunningIngest, document_id: UUID, first: int, last: int) -> PageBatch:
    key = artifacts.pages_key(document_id, 1, first=first, last=last)
    pages = [Page(number=n, text=f"Text of page {n}.") for n in range(first, last + 1)]
    await ingest.store.put(key, artifacts.dump_pages(pages))
    return PageBatch(first=first, last=last, key=key)


async def extracted(ingest: RunningIngest, document_id: UUID) -> None:
    batches = (
        await put_pages(ingest, document_id, 1, 3),
        await put_pages(ingest, document_id, 4, 5),
    )
    thumbnail = artifacts.thumbnail_key(document_id, 1)
    await ingest.store.put(thumbnail, b"RIFFwebp", content_type="image/webp")
    manifest = ExtractManifest(
        media_type="application/pdf", page_count=6, characters=80, batches=batches,
        page_errors=(PageError(number=6, message="broken"),), thumbnail_key=thumbnail,
        extractor="pypdfium2", metadata={"title": "A title"},
    )  # fmt: skip
    await put_stage(ingest, document_id, "extract", manifest)


async def test_pages_are_readable_while_extract_still_runs(
    ingest: RunningIngest, document_id: UUID
) -> None:
    await put_pages(ingest, document_id, 1, 3)
    base = f"/api/v1/documents/{document_id}"

    listed = (await ingest.client.get(f"{base}/pages")).json()
    second = await ingest.client.get(f"{base}/pages/2")
    fourth = await ingest.client.get(f"{base}/pages/4")
    text = await ingest.client.get(f"{base}/text")

    assert [page["number"] for page in listed["items"]] == [1, 2, 3]
    assert second.json()["text"] == "Text of page 2."
    assert (fourth.status_code, fourth.json()["code"]) == (409, "NOT_READY")
    assert fourth.json()["retryable"] is True
    assert fourth.headers["Retry-After"] == "1"
    assert (text.status_code, text.json()["code"]) == (409, "NOT_READY")

    await put_pages(ingest, document_id, 4, 4)
    more = await ingest.client.get(f"{base}/pages", params={"cursor": listed["next_cursor"]})
    assert [page["number"] for page in more.json()["items"]] == [4]


async def test_a_finished_document_can_be_read(ingest: RunningIngest, document_id: UUID) -> None:
    await extracted(ingest, document_id)
    base = f"/api/v1/documents/{document_id}"

    text = await ingest.client.get(f"{base}/text")
    thumbnail = await ingest.client.get(f"{base}/thumbnail")
    metadata = (await ingest.client.get(f"{base}/metadata")).json()
    beyond = await ingest.client.get(f"{base}/pages/6")

    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text.text == "\n\n".join(f"Text of page {n}." for n in range(1, 6))
    assert (thumbnail.content, thumbnail.headers["Content-Type"]) == (b"RIFFwebp", "image/webp")
    assert (metadata["page_count"], metadata["failed_pages"]) == (6, [6])
    assert metadata["extracted"] == {"title": "A title"}
    assert metadata["language"] is None
    assert (beyond.status_code, beyond.json()["code"]) == (404, "PAGE_NOT_FOUND")


async def test_pages_come_by_cursor_across_batches(
    ingest: RunningIngest, document_id: UUID
) -> None:
    await extracted(ingest, document_id)
    url = f"/api/v1/documents/{document_id}/pages"

    numbers: list[list[int]] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await ingest.client.get(url, params=query)).json()
        numbers.append([item["number"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert numbers == [[1, 2], [3, 4], [5]]


async def test_entities_come_with_their_pages(ingest: RunningIngest, document_id: UUID) -> None:
    url = f"/api/v1/documents/{document_id}/entities"
    early = await ingest.client.get(url)
    assert (early.status_code, early.json()["code"]) == (409, "NOT_READY")

    named = tuple(
        Entity(
            kind="person", key=f"person {n}", text=f"Person {n}", count=1, pages=(n,),
            mentions=(Mention(page=n, start=0, end=8),),
        )
        for n in range(1, 4)
    )  # fmt: skip
    analysis = Analysis(
        language="en", language_confidence=0.9, keywords=(Keyword(text="tax", score=0.5),),
        summary="About tax.", entities=named,
    )  # fmt: skip
    await put_stage(ingest, document_id, "analyze", analysis)

    first = (await ingest.client.get(url, params={"limit": 2})).json()
    rest = (await ingest.client.get(url, params={"cursor": first["next_cursor"]})).json()
    metadata = (await ingest.client.get(f"/api/v1/documents/{document_id}/metadata")).json()

    assert [item["text"] for item in first["items"]] == ["Person 1", "Person 2"]
    assert rest["next_cursor"] is None
    (third,) = rest["items"]
    assert (third["kind"], third["text"], third["count"], third["pages"]) == (
        "person",
        "Person 3",
        1,
        [3],
    )
    assert third["mentions"] == [{"page": 3, "start": 0, "end": 8}]
    assert (metadata["language"], metadata["summary"]) == ("en", "About tax.")


async def test_relations_come_with_their_evidence_and_the_type_with_its_rules(
    ingest: RunningIngest, document_id: UUID
) -> None:
    url = f"/api/v1/documents/{document_id}/relations"
    early = await ingest.client.get(url)
    ada, acme = (
        EntityName(kind=kind, text=text, key=text.lower())
        for kind, text in (("person", "Ada"), ("organisation", "Acme"))
    )
    place = Evidence(page=2, start=0, end=11, snippet="Ada at Acme")
    related = tuple(
        Relation(source=ada, target=acme, window="sentence", count=n, weight=1, evidence=(place,))
        for n in (3, 2, 1)
    )
    found = Classification(
        document_type=DocumentType.INVOICE, confidence=0.9, rules=("invoice.title",)
    )
    analysis = Analysis(
        language="en", language_confidence=0.9, relations=related, classification=found
    )
    await put_stage(ingest, document_id, "analyze", analysis)

    first = (await ingest.client.get(url, params={"limit": 2})).json()
    rest = (await ingest.client.get(url, params={"cursor": first["next_cursor"]})).json()
    metadata = (await ingest.client.get(f"/api/v1/documents/{document_id}/metadata")).json()

    assert (early.status_code, early.json()["code"]) == (409, "NOT_READY")
    assert [item["count"] for item in first["items"] + rest["items"]] == [3, 2, 1]
    assert rest["next_cursor"] is None
    assert first["items"][0]["evidence"] == [place.model_dump()]
    assert metadata["classification"] == {
        "document_type": "invoice", "confidence": 0.9, "rules": ["invoice.title"],
    }  # fmt: skip


async def test_what_a_failed_document_never_got_is_not_promised(
    ingest: RunningIngest, document_id: UUID
) -> None:
    await ingest.rows("update documents set state = 'failed' returning 1")
    base = f"/api/v1/documents/{document_id}"

    for path in ("/text", "/thumbnail", "/entities", "/relations"):
        answer = await ingest.client.get(f"{base}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_AVAILABLE"), path
    assert (await ingest.client.get(f"{base}/pages")).json() == {"items": [], "next_cursor": None}
    assert (await ingest.client.get(f"{base}/pages/1")).json()["code"] == "PAGE_NOT_FOUND"
