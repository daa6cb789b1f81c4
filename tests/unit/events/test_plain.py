"""Facts hold no text that a table or JSON refuses, whoever wrote them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from docyard_common.artifacts import PageError
from docyard_common.errors import FailureReason
from docyard_common.events import codec
from docyard_common.events.documents import DocumentFailed
from docyard_common.events.stages import Stage


def failed(message: str) -> DocumentFailed:
    return DocumentFailed(
        document_id=uuid4(), owner="ann", generation=1, seq=1, stage=Stage.VALIDATE, attempt=1,
        reason=FailureReason.UNREADABLE_DOCUMENT, message=message,
        failed_at=datetime(2030, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "kept"),
    [("a\x00b", "ab"), ("a\ud800b", "a\ufffdb"), ("aé\U0001f600", "aé\U0001f600")],
)
def test_a_fact_is_written_with_plain_text(message: str, kept: str) -> None:
    record = codec.encode(failed(message), topic="documents.events", source="test")

    assert codec.decode(record.value, record.headers).model_dump()["message"] == kept


def test_a_zero_that_an_older_writer_left_in_a_fact_is_read_over() -> None:
    record = codec.encode(failed("no-type"), topic="documents.events", source="test")
    value = (record.value or b"").replace(b"no-type", b"no\\u0000type")

    assert codec.decode(value, record.headers).model_dump()["message"] == "notype"


def test_a_page_error_can_be_told_whatever_it_cites() -> None:
    assert PageError(number=1, message="no \udc80\x00").model_dump_json().endswith('"no \ufffd"}')
