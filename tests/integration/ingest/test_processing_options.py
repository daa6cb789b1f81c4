"""Options that make no sense are refused at every way in by the same code, and nothing is left."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import pytest
from tests.integration.ingest.serving import SIMPLE, RunningIngest

pytestmark = pytest.mark.integration

API: Final = "/api/v1/documents/upload"
NONSENSE: Final[list[tuple[dict[str, Any], str]]] = [
    ({"orc": True}, "There is no option 'orc', only ocr, ocr_language, thumbnail, words, reuse."),
    ({"ocr": "off"}, "The option 'ocr' is not valid: Input should be a valid boolean."),
    ({"words": 1}, "The option 'words' is not valid: Input should be a valid boolean."),
    ({"ocr_language": "d"}, "The option 'ocr_language' is not valid"),
    ({"reuse": None}, "The option 'reuse' is not valid: Input should be a valid boolean."),
]
SENSE: Final = {"ocr": True, "ocr_language": "deu+eng", "thumbnail": False, "reuse": False}

Send = Callable[[RunningIngest, dict[str, Any]], Awaitable[httpx.Response]]


async def simple(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    return await ingest.upload(processing_options=json.dumps(options))


async def batch(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    files = [("files", ("a.txt", b"hello"))]
    said = {"processing_options": json.dumps(options)}
    return await ingest.client.post(f"{API}/batch", files=files, data=said)


async def initiate(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    said = {"filename": "a.txt", "file_size": 5, "processing_options": options}
    return await ingest.client.post(f"{API}/initiate", json=said)


async def presign(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    said = {
        "filename": "a.txt", "file_size": 5, "content_type": "text/plain",
        "processing_options": options,
    }  # fmt: skip
    return await ingest.client.post(f"{API}/presign", json=said)


async def tus(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    said = {"filename": "a.txt", "processing_options": json.dumps(options)}
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    headers = {
        "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": ",".join(pairs),
    }  # fmt: skip
    return await ingest.client.post("/tus", headers=headers)


async def chat(ingest: RunningIngest, options: dict[str, Any]) -> httpx.Response:
    said = {"session_id": "s", "processing_options": json.dumps(options)}
    files = {"file": ("a.txt", b"hello")}
    return await ingest.client.post("/api/chat/upload/async", files=files, data=said)


DOORS: Final[list[Send]] = [simple, batch, initiate, presign, tus, chat]


async def test_nonsense_is_refused_at_every_way_in(ingest: RunningIngest) -> None:
    for send in DOORS:
        for options, why in NONSENSE:
            answer = await send(ingest, options)

            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (422, "FIELD_INVALID"), answer.text
            assert why in problem["detail"], (send.__name__, problem)
    assert await ingest.is_empty()


async def test_sense_is_taken_at_every_way_in(ingest: RunningIngest) -> None:
    for send in DOORS:
        answer = await send(ingest, SENSE)

        assert answer.is_success, (send.__name__, answer.text)
    kept = await ingest.rows("select options from documents union all select options from uploads")
    assert [row["options"] for row in kept] == [SENSE] * len(DOORS)


async def test_one_file_of_a_batch_is_refused_alone_for_its_own_options(
    ingest: RunningIngest,
) -> None:
    files = [("files", ("a.txt", b"one")), ("files", ("b.txt", b"two"))]
    said = {"per_file": json.dumps([{"processing_options": {"orc": True}}, {}])}

    answer = await ingest.client.post(f"{API}/batch", files=files, data=said)

    assert answer.status_code == 207
    assert [item["http_status"] for item in answer.json()["items"]] == [422, 202]


async def test_the_api_documents_name_every_option(ingest: RunningIngest) -> None:
    document = (await ingest.client.get("/openapi.json")).json()

    form = document["paths"][SIMPLE]["post"]["requestBody"]["content"]["multipart/form-data"]
    options = form["schema"]["properties"]["processing_options"]["contentSchema"]
    assert set(options["properties"]) == {"ocr", "ocr_language", "thumbnail", "words", "reuse"}
    assert options["additionalProperties"] is False
