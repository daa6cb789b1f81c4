"""Uploads of a chat: what is asked, and what is answered without a language model."""

import json

import pytest
from tests.integration.ingest.chatting import QUESTION, answered, ask, asked, processed, status
from tests.integration.ingest.serving import RunningIngest

pytestmark = pytest.mark.integration


async def test_chat_upload_is_a_document_and_pending(ingest: RunningIngest) -> None:
    job_id = await asked(ingest)

    assert await status(ingest, job_id) == {
        "jobId": str(job_id), "status": "pending", "progress": 0.0,
    }  # fmt: skip
    document = (await ingest.client.get(f"/api/v1/documents/{job_id}")).json()
    assert (document["filename"], document["priority"]) == ("contract.txt", "high")


async def test_answer_without_a_question_is_the_summary(ingest: RunningIngest) -> None:
    job_id = await asked(ingest)
    await processed(ingest, job_id)

    result = await answered(ingest, job_id)

    assert result["aiResponse"]["text"] == "A contract on a flat."
    assert result["fileId"] == str(job_id)


async def test_answer_to_a_question_names_passages_and_pages(ingest: RunningIngest) -> None:
    job_id = await asked(ingest, message=QUESTION)
    await processed(ingest, job_id)

    response = (await answered(ingest, job_id))["aiResponse"]

    assert response["text"].startswith("A contract on a flat.")
    assert "- contract.txt, page 2: The tenant pays a rent of 700 euros" in response["text"]
    assert response["passages"][0]["pageFirst"] == 2
    assert response["passages"][0]["fileId"] == str(job_id)


async def test_question_that_nothing_answers_says_so(ingest: RunningIngest) -> None:
    job_id = await asked(ingest, message="zirconium")
    await processed(ingest, job_id, pages=("The landlord is Mr Miller.",))

    response = (await answered(ingest, job_id))["aiResponse"]

    assert response["text"].endswith("No passage answers the question.")


async def test_references_answer_as_well(ingest: RunningIngest) -> None:
    earlier = await asked(ingest)
    await processed(ingest, earlier)
    job_id = await asked(ingest, message=QUESTION, references=json.dumps([str(earlier)]))
    await processed(ingest, job_id, pages=("Nothing of interest.",))

    response = (await answered(ingest, job_id))["aiResponse"]

    assert {passage["fileId"] for passage in response["passages"]} == {str(earlier)}


async def test_foreign_document_can_not_be_referred_to(ingest: RunningIngest) -> None:
    foreign = (await ingest.upload(headers=ingest.as_owner("bob"))).json()["document_id"]

    answer = await ask(ingest, references=json.dumps([foreign]))

    assert (answer.status_code, answer.json()["code"]) == (404, "DOCUMENT_NOT_FOUND")
    assert len(await ingest.keys()) == 1


@pytest.mark.parametrize(
    ("fields", "status_code", "code"),
    [
        ({"session_id": ""}, 422, "FIELD_INVALID"),
        ({"session_id": "s" * 201}, 422, "FIELD_INVALID"),
        ({"message": "m" * 8001}, 422, "FIELD_INVALID"),
        ({"message": "a\x00b"}, 422, "FIELD_INVALID"),
        ({"references": "[1]"}, 422, "FIELD_INVALID"),
        ({"references": "not-an-id"}, 422, "FIELD_INVALID"),
        ({"colour": "red"}, 422, "UNKNOWN_FIELD"),
        ({"name": "a.exe"}, 415, "UNSUPPORTED_TYPE"),
    ],
)
async def test_bad_chat_upload_leaves_nothing(
    ingest: RunningIngest, fields: dict[str, str], status_code: int, code: str
) -> None:
    answer = await ask(ingest, **fields)

    assert (answer.status_code, answer.json()["code"]) == (status_code, code)
    assert await ingest.is_empty()
    assert await ingest.rows("select 1 from chat_jobs") == []


async def test_job_of_somebody_else_is_not_found(ingest: RunningIngest) -> None:
    job_id = await asked(ingest)
    plain = (await ingest.upload()).json()["document_id"]

    foreign = await ingest.client.get(
        f"/api/chat/upload/status/{job_id}", headers=ingest.as_owner("bob")
    )
    no_chat = await ingest.client.get(f"/api/chat/upload/status/{plain}")

    for answer in (foreign, no_chat):
        assert (answer.status_code, answer.json()["code"]) == (404, "CHAT_JOB_NOT_FOUND")


async def test_failed_document_fails_the_job_with_its_reason(ingest: RunningIngest) -> None:
    job_id = await asked(ingest)
    await ingest.rows(
        "with f as (update documents set state = 'failed', error_code = 'encrypted_document',"
        " error_message = 'It has a password.', error_retryable = false returning 1) select 1"
    )

    data = await status(ingest, job_id)

    assert data["status"] == "failed"
    assert data["error"]["code"] == "encrypted_document"


async def test_question_is_gone_with_its_document(ingest: RunningIngest) -> None:
    job_id = await asked(ingest, message=QUESTION)

    assert (await ingest.client.delete(f"/api/v1/documents/{job_id}")).status_code == 204

    assert await ingest.rows("select 1 from chat_jobs") == []


async def test_repeated_upload_answers_the_same_job(ingest: RunningIngest) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = [await ask(ingest, headers=key) for _ in range(2)]

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await ingest.rows("select 1 from chat_jobs")) == 1


async def test_the_same_key_with_another_question_is_refused(ingest: RunningIngest) -> None:
    key = {"Idempotency-Key": "k"}
    first = await ask(ingest, headers=key, message=QUESTION)

    other = await ask(ingest, headers=key, message="And who signed it?")

    assert first.status_code == 202
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


async def test_answer_whose_maker_died_is_made_by_the_next_poll(ingest: RunningIngest) -> None:
    job_id = await asked(ingest)
    await processed(ingest, job_id)
    await ingest.rows(
        "with lost as (update chat_jobs set answering_until = now() - interval '1 s' returning 1)"
        " select 1"
    )

    assert (await answered(ingest, job_id))["fileId"] == str(job_id)
