"""Several files by one form: each by itself, what was accepted stays accepted."""

import json
from typing import Any

import httpx
import pytest
from tests.integration.ingest.conftest import MIB
from tests.integration.ingest.serving import RunningIngest, running
from tests.integration.ingest.test_limits import set_limits

from ingest.settings import IngestSettings

pytestmark = pytest.mark.integration

BATCH = "/api/v1/documents/upload/batch"
BOUNDARY = "docyard-batch"

Files = list[tuple[str, bytes]]


async def send(
    ingest: RunningIngest, files: Files, *, key: str | None = None, **fields: str
) -> httpx.Response:
    return await ingest.client.post(
        BATCH,
        files=[("files", (name, data)) for name, data in files],
        data=fields,
        headers={"Idempotency-Key": key} if key else {},
    )


async def send_raw(ingest: RunningIngest, body: bytes) -> httpx.Response:
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return await ingest.client.post(BATCH, content=body, headers={"Content-Type": content_type})


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    told = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{told}\r\n\r\n'
    return head.encode() + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def told(answer: httpx.Response) -> list[tuple[int, str | None]]:
    """Status and code of each file."""
    items: list[dict[str, Any]] = answer.json()["items"]
    return [(item["http_status"], item["error"] and item["error"]["code"]) for item in items]


async def test_all_files_of_a_batch_become_documents(ingest: RunningIngest) -> None:
    answer = await send(ingest, [("a.txt", b"one"), ("b.md", b"# two"), ("c.csv", b"x,y\n1,2\n")])

    body = answer.json()
    assert answer.status_code == 202
    assert (body["accepted"], body["refused"], body["error"]) == (3, 0, None)
    assert [item["filename"] for item in body["items"]] == ["a.txt", "b.md", "c.csv"]
    for item in body["items"]:
        document = (await ingest.client.get(item["links"]["self"])).json()
        assert (document["filename"], document["document_id"]) == (
            item["filename"],
            item["job_id"],
        )


async def test_bad_files_fail_alone(ingest: RunningIngest) -> None:
    files = [
        ("a.txt", b"fine"), ("b.exe", b"MZ"), ("c.txt", b""), ("d.pdf", b"no pdf at all"),
        ("e.txt", b"x" * (24 * MIB + 1)), ("f.txt", b"fine too"),
    ]  # fmt: skip

    answer = await send(ingest, files)

    assert answer.status_code == 207
    assert told(answer) == [
        (202, None),
        (415, "UNSUPPORTED_TYPE"),
        (422, "EMPTY_FILE"),
        (422, "TYPE_MISMATCH"),
        (413, "FILE_TOO_LARGE"),
        (202, None),
    ]
    assert len(await ingest.rows("select 1 from documents")) == 2
    assert not await ingest.store.open_multiparts("")


async def test_batch_of_bad_files_only_answers_for_each(ingest: RunningIngest) -> None:
    answer = await send(ingest, [("a.exe", b"MZ"), ("b.txt", b"")])

    assert answer.status_code == 207
    assert (answer.json()["accepted"], answer.json()["refused"]) == (0, 2)
    assert await ingest.is_empty()


async def test_fields_hold_for_all_files_and_single_ones_differ(ingest: RunningIngest) -> None:
    own = [{}, {"priority": "critical", "metadata": {"n": 2}}, {"priority": "urgent"}]
    answer = await send(
        ingest,
        [("a.txt", b"1"), ("b.txt", b"2"), ("c.txt", b"3")],
        priority="low",
        metadata='{"n": 1}',
        per_file=json.dumps(own),
    )

    assert told(answer) == [(202, None), (202, None), (422, "FIELD_INVALID")]
    rows = await ingest.rows("select filename, priority, metadata from documents order by 1")
    assert [(row["priority"], row["metadata"]) for row in rows] == [
        ("low", {"n": 1}),
        ("critical", {"n": 2}),
    ]


async def test_files_beyond_the_tenth_are_refused(ingest: RunningIngest) -> None:
    answer = await send(ingest, [(f"{n}.txt", b"x") for n in range(13)])

    body = answer.json()
    assert answer.status_code == 207
    assert (body["accepted"], body["refused"]) == (10, 1)
    assert body["error"]["code"] == "TOO_MANY_FILES"
    assert len(await ingest.rows("select 1 from documents")) == 10


async def test_batch_is_bounded_as_a_whole(ingest_settings: IngestSettings) -> None:
    limits = ingest_settings.limits.model_copy(update={"max_batch_bytes": 2 * MIB})
    async with running(ingest_settings.model_copy(update={"limits": limits})) as ingest:
        files = [("a.txt", b"x" * MIB), ("b.txt", b"x" * 4 * MIB)]

        refused = await send(ingest, files)
        assert (refused.status_code, refused.json()["code"]) == (413, "BATCH_TOO_LARGE")
        assert await ingest.is_empty()

        body = b"".join(part("files", data, name) for name, data in files) + END

        async def chunks() -> Any:
            for start in range(0, len(body), MIB // 4):
                yield body[start : start + MIB // 4]

        partly = await ingest.client.post(
            BATCH,
            content=chunks(),
            headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )
        assert told(partly) == [(202, None), (413, "BATCH_TOO_LARGE")]
        assert len(await ingest.rows("select 1 from documents")) == 1


async def test_form_that_breaks_keeps_what_was_accepted(ingest: RunningIngest) -> None:
    answer = await send_raw(
        ingest, part("files", b"whole", "a.txt") + part("files", b"cut off", "b.txt")[:-6]
    )

    assert answer.status_code == 207
    assert told(answer) == [(202, None), (400, "MULTIPART_INVALID")]
    assert answer.json()["error"]["code"] == "MULTIPART_INVALID"
    assert len(await ingest.rows("select 1 from documents")) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (part("files", b"cut off", "a.txt")[:-6], 400, "MULTIPART_INVALID"),
        (END, 422, "FILE_MISSING"),
        (part("colour", b"red") + part("files", b"x", "a.txt") + END, 422, "UNKNOWN_FIELD"),
        (part("priority", b"urgent") + part("files", b"x", "a.txt") + END, 422, "FIELD_INVALID"),
        (part("per_file", b"{}") + part("files", b"x", "a.txt") + END, 422, "FIELD_INVALID"),
        (part("per_file", b'[{"x":1}]') + END, 422, "FIELD_INVALID"),
        (part("files", b"x") + END, 422, "FIELD_INVALID"),
    ],
)
async def test_unusable_batch_leaves_nothing(
    ingest: RunningIngest, body: bytes, status: int, code: str
) -> None:
    answer = await send_raw(ingest, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await ingest.is_empty()


async def test_field_behind_the_files_is_told_beside_what_was_accepted(
    ingest: RunningIngest,
) -> None:
    answer = await send_raw(ingest, part("files", b"x", "a.txt") + part("priority", b"low") + END)

    assert answer.status_code == 207
    assert told(answer) == [(202, None)]
    assert answer.json()["error"]["code"] == "FIELD_INVALID"


async def test_repeat_under_a_key_makes_only_what_is_missing(ingest: RunningIngest) -> None:
    first = await send(ingest, [("a.txt", b"one"), ("b.txt", b"")], key="k")
    again = await send(ingest, [("a.txt", b"one"), ("b.txt", b"two")], key="k")
    other = await send(ingest, [("a.txt", b"another"), ("b.txt", b"two")], key="k")

    assert told(first) == [(202, None), (422, "EMPTY_FILE")]
    assert told(again) == [(202, None), (202, None)]
    assert [item["repeated"] for item in again.json()["items"]] == [True, False]
    assert first.json()["items"][0]["document_id"] == again.json()["items"][0]["document_id"]
    assert told(other) == [(422, "IDEMPOTENCY_KEY_REUSED"), (202, None)]
    assert len(await ingest.rows("select 1 from documents")) == 2


async def test_quota_that_runs_out_in_the_middle_refuses_the_rest(ingest: RunningIngest) -> None:
    await set_limits(ingest, max_documents=2)

    answer = await send(ingest, [(f"{n}.txt", b"x") for n in range(4)])

    assert told(answer) == [(202, None)] * 2 + [(507, "DOCUMENT_QUOTA_EXCEEDED")] * 2
    assert len(await ingest.rows("select 1 from documents")) == 2
